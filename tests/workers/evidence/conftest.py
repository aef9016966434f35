"""A real storage server, a real database, and worker processes that are started and killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from app.db.engine import make_engine, reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence, EvidenceStage, Rendition, Submission, Transcript
from app.evidence.states import EvidenceKind, EvidenceState, RenditionKind, StageName, StageState, SubmissionState
from app.jobs.clock import clock
from app.jobs.models import Job, JobState
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage import embedded
from app.storage.client import Storage
from app.storage.embedded import wait_for
from app.supervisor.plan import import_path
from tests.factories import a_submission, an_organisation

PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    started = embedded.start(tmp_path_factory.mktemp("storage"), origin="http://127.0.0.1:1")
    yield started.server
    embedded.stop(started)


@dataclass(frozen=True)
class Place:
    """One installation: its database, its storage, and whoever works there."""

    settings: Settings
    engine: Engine
    storage: Storage
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "AWS_"))}
        given = {name: str(getattr(self.settings, name)) for name in self.settings.model_fields_set}
        return {**kept, "PYTHONPATH": import_path(), **{f"ASSAY_{name.upper()}": said for name, said in given.items()}}

    @property
    def log(self) -> Path:
        return self.settings.data_dir / "worker.log"

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "workers", *arguments]
            self.started.append(subprocess.Popen(command, env={**self.env, **env}, stdout=output, stderr=output))
        return self.started[-1]

    @contextmanager
    def worker(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start(*arguments, **env)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def arrived(
        self,
        path: Path,
        kind: str,
        *,
        language: str = "en",
        client_sha256: str | None = None,
        sent: bool = True,
        start: bool = True,
    ) -> UUID:
        """Hand in a file as the site does when its upload is complete, and send the submission."""
        with writing(self.engine) as session:
            organisation = an_organisation(session)
            state = SubmissionState.PROCESSING if sent else SubmissionState.DRAFT
            submission = a_submission(session, organisation, state=state, language=language)
            evidence = Evidence(
                organisation_id=organisation.id,
                submission_id=submission.id,
                position=2,
                kind=EvidenceKind(kind),
                name="my recording.mp4",
                media_type="video/mp4",
                state=EvidenceState.PROCESSING,
                object_key=f"t/{submission.id}",
                size_bytes=path.stat().st_size,
                client_sha256=client_sha256,
                created_at=clock(),
            )
            session.add(evidence)
            session.flush()
            stages.begin(session, evidence, now=clock())
            self.storage.put_file(evidence.object_key, path, media_type="video/mp4")
            if start:
                processing.start(session, evidence, now=clock())
            return evidence.id

    def evidence(self, evidence_id: UUID) -> Evidence:
        with reading(self.engine) as session:
            return session.get_one(Evidence, evidence_id)

    def submission(self, evidence_id: UUID) -> Submission:
        with reading(self.engine) as session:
            return session.get_one(Submission, session.get_one(Evidence, evidence_id).submission_id)

    def stage(self, evidence_id: UUID, name: str) -> EvidenceStage:
        with reading(self.engine) as session:
            return session.get_one(EvidenceStage, (evidence_id, StageName(name)))

    def renditions(self, evidence_id: UUID) -> dict[RenditionKind, Rendition]:
        with reading(self.engine) as session:
            return {
                row.kind: row for row in session.exec(select(Rendition).where(Rendition.evidence_id == evidence_id))
            }

    def transcript(self, evidence_id: UUID) -> Transcript | None:
        with reading(self.engine) as session:
            return session.get(Transcript, evidence_id)

    def job(self, act: str, evidence_id: UUID, generation: int = 1) -> Job | None:
        with reading(self.engine) as session:
            return session.get(Job, f"{act}:{evidence_id}:{generation}")

    def wait(self, true: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
        assert wait_for(true, seconds), self.log.read_text()[-3000:] if self.log.exists() else "no worker log"

    def wait_for_state(self, evidence_id: UUID, *states: str) -> Evidence:
        self.wait(lambda: self.evidence(evidence_id).state.value in states)
        return self.evidence(evidence_id)

    def wait_for_stage(self, evidence_id: UUID, name: str, *states: StageState) -> None:
        self.wait(lambda: self.stage(evidence_id, name).state in states)

    def job_state(self, act: str, evidence_id: UUID) -> JobState | None:
        job = self.job(act, evidence_id)
        return job.state if job else None

    def wait_until_tidy(self, evidence_id: UUID) -> None:
        """Wait until nothing lies beside the original but what is shown."""
        folder = f"e/{self.evidence(evidence_id).organisation_id}/{evidence_id}/"

        def tidy() -> bool:
            return set(self.storage.keys(folder)) == {row.object_key for row in self.renditions(evidence_id).values()}

        self.wait(tidy, seconds=30)

    def close(self) -> None:
        """Leave nothing behind, whatever a test left running."""
        for process in self.started:
            process.kill()
            process.wait()
        self.engine.dispose()


def a_place(data_dir: Path, server: embedded.Server, **more: object) -> Place:
    settings = Settings(data_dir=data_dir, **embedded.addresses(server), **more)
    engine = make_engine(settings.database)
    migrate(engine)
    return Place(settings, engine, Storage(settings))


@pytest.fixture
def place(tmp_path: Path, server: embedded.Server) -> Iterator[Place]:
    """An installation of one test's own, nobody working yet."""
    found = a_place(tmp_path, server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, server: embedded.Server) -> Iterator[Place]:
    """An installation with a worker for all tests of a module."""
    found = a_place(tmp_path_factory.mktemp("busy"), server)
    with found.worker():
        yield found
    found.close()
