"""One attempt at one stage of one evidence: what it is, how far it is, where its files lie, when to stop."""

import errno
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from app import meters
from app.db.engine import reading
from app.errors import Unavailable
from app.evidence import processing, sharing
from app.evidence.adding import prefix_of
from app.evidence.models import Evidence, Rendition, Submission
from app.evidence.processing import Key, Made
from app.evidence.stages import mark
from app.evidence.states import EvidenceKind, RenditionKind, StageName, StageState
from app.frameworks.rubric import EvidenceRequirement, rubric_of
from app.jobs.engine import Run
from workers.bench import Bench

TELL_SECONDS = 1.0
FREE_TIMES = 3  # the original, what is made of it, and as much again
FREE_BYTES = 256 << 20
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
DISK_FULL = "The disk for work files is full. Free some space; the work goes on by itself."


class Superseded(Exception):
    """The evidence was removed, has ended or was started anew: there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a stage has to know about its evidence. `sha256` is None before inspection; `prefix` is its folder.

    `probe` is what inspection found; empty before it.
    """

    kind: EvidenceKind
    prefix: str
    object_key: str
    size_bytes: int
    client_sha256: str | None
    sha256: str | None
    duration_ms: int | None
    language: str
    asked: EvidenceRequirement
    made: dict[RenditionKind, Made]
    probe: dict[str, Any]

    @property
    def odd_times(self) -> bool:
        """Tell whether the times of the picture have gaps or are missing."""
        return bool(self.probe.get("odd_times"))


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt. Its objects lie under a key of their own, so that attempts never overwrite each other."""

    bench: Bench
    run: Run
    key: Key
    stage: StageName

    def begin(self) -> Facts:
        """Mark the stage as running and return what it works on. Raises Superseded."""
        with self.run.saving() as session:
            evidence = self._current(session)
            mark(session, evidence.id, self.stage, now=self.now(), state=StageState.RUNNING)
        with reading(self.bench.engine) as session:
            return _facts(session, self.key)

    def _current(self, session: Session) -> Evidence:
        late = self.stage is StageName.TRANSCRIBE
        evidence = processing.current(session, self.key, states=processing.SHOWN if late else processing.WAITING)
        if evidence is None:
            raise Superseded
        return evidence

    def now(self) -> datetime:
        """Return the present time."""
        return self.bench.clock()

    def halted(self) -> bool:
        """Tell whether this attempt has to stop: somebody else owns the job, or the worker ends."""
        return self.run.lost.is_set() or self.bench.stopping.is_set()

    def check(self) -> None:
        """Raise Lost or, so that the job is taken up again, `Unavailable` when the attempt has to stop."""
        self.run.check()
        if self.bench.stopping.is_set():
            raise Unavailable("The worker was stopped; the work goes on when one runs again.", code="worker-stopped")

    def teller(
        self, low: float = 0.0, high: float = 1.0, *, shared: Callable[[float], float] | None = None
    ) -> Callable[[float], None]:
        """Return a listener for shares of 0 to 1 that stores them as `low` to `high`, at most once a second.

        Where several jobs share a stage, `shared` turns the mean of what they have done into its progress.
        """
        told = -TELL_SECONDS

        def tell(share: float) -> None:
            nonlocal told
            self.check()
            if time.monotonic() - told < TELL_SECONDS:
                return
            told = time.monotonic()
            progress = round(low + (high - low) * min(1.0, max(0.0, share)), 3)
            with self.run.saving(progress) as session:
                evidence_id = self._current(session).id
                stands = shared(sharing.shared_progress(session, self.key)) if shared else progress
                mark(session, evidence_id, self.stage, now=self.now(), progress=stands)

        return tell

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Open a folder of this attempt's own, for us alone, and remove it with all that is in it."""
        with tempfile.TemporaryDirectory(prefix="job-", dir=self.bench.folder) as name:
            try:
                yield Path(name)
            except OSError as error:
                if error.errno in NO_SPACE:
                    raise Unavailable(DISK_FULL, code="disk-full") from error
                raise

    def fetch(self, key: str, target: Path, *, size_bytes: int, tell: Callable[[float], None]) -> str:
        """Bring an object to the local disk and return its SHA-256. Raises NotFound, Unavailable."""
        if shutil.disk_usage(target.parent).free < FREE_TIMES * size_bytes + FREE_BYTES:
            raise Unavailable(DISK_FULL, code="disk-full")
        return self.bench.storage.download(key, target, on_bytes=lambda done: tell(done / max(1, size_bytes)))

    def count_media(self, duration_ms: int) -> None:
        """Count what this stage has worked through, for the figures of the worker."""
        meters.media_seconds.labels(self.stage).inc(duration_ms / 1000)

    def object_key(self, facts: Facts, name: str) -> str:
        """Return where this attempt keeps an object: beside the original, the stage and the fence in its key."""
        return f"{facts.prefix}{self.stage}-{self.run.fence}/{name}"

    def store(self, facts: Facts, source: Path, kind: RenditionKind, media_type: str) -> Made:
        """Put a file into the storage. It is shown to nobody before `processing.publish`."""
        self.check()
        key = self.object_key(facts, source.name)
        self.bench.storage.put_file(key, source, media_type=media_type)
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Made(kind, media_type, key, source.stat().st_size, digest)

    def store_bytes(self, facts: Facts, content: bytes, name: str, kind: RenditionKind, media_type: str) -> Made:
        """Put a small file into the storage; as `store`."""
        self.check()
        key = self.object_key(facts, name)
        self.bench.storage.put_bytes(key, content, media_type=media_type)
        return Made(kind, media_type, key, len(content), hashlib.sha256(content).hexdigest())


def _facts(session: Session, key: Key) -> Facts:
    evidence = session.get_one(Evidence, key.evidence_id)
    submission = session.get_one(Submission, evidence.submission_id)
    return Facts(
        kind=evidence.kind,
        prefix=prefix_of(evidence.organisation_id, evidence.id),
        object_key=evidence.object_key,
        size_bytes=evidence.size_bytes or 0,
        client_sha256=evidence.client_sha256,
        sha256=evidence.sha256,
        duration_ms=evidence.duration_ms,
        language=submission.language,
        asked=rubric_of(session, submission.rubric_id).evidence,
        made={
            row.kind: Made(row.kind, row.media_type, row.object_key, row.size_bytes, row.sha256)
            for row in _renditions(session, key)
        },
        probe=evidence.probe or {},
    )


def _renditions(session: Session, key: Key) -> list[Rendition]:
    return list(session.exec(select(Rendition).where(Rendition.evidence_id == key.evidence_id)))
