"""What the measurement of media consists of: an installation of its own, its worker, the same files made by hand."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import select

from app.accounts.models import Person
from app.db.engine import make_engine, reading, writing
from app.demo.stage import build
from app.errors import Invalid, Unavailable
from app.evidence import processing, stages
from app.evidence.models import Evidence, EvidenceStage, Submission
from app.evidence.states import EvidenceKind, EvidenceState, StageName, StageState, SubmissionState
from app.frameworks.models import RubricVersion
from app.jobs.clock import clock
from app.jobs.presence import live_workers
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage import embedded
from app.storage.client import Storage
from app.supervisor.plan import import_path, python

RUBRIC = "teller-service-call"
READY_SECONDS, LONGEST_SECONDS = 60.0, 3_600.0
LOOK_SECONDS = 0.1
USED = slice(11, 15)  # utime, stime, and those of the children that it has waited for: proc(5), after the name


@dataclass(frozen=True, slots=True)
class Used:
    """What something took: processor time of all its processes, and time on the clock."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """Medians of all rounds. `ratio` is the processor time of the pipeline to that of the plain calls."""

    seconds: int
    rounds: int
    pipeline: Used
    by_hand: Used
    ratio: float
    wall_ratio: float


def measure(*, seconds: int, rounds: int, recording: Path | None) -> MediaFigures:
    """Measure in turns, so that what else the machine does hits both alike."""
    if not Path("/proc/self/stat").exists():
        raise Invalid("This reads processor times from /proc, which only Linux has.")
    ours, plain = list[Used](), list[Used]()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name, _installation(Path(name)) as settings:
        talk = recording or _recording(settings, seconds)
        for _ in range(rounds):
            plain.append(_by_hand(settings, talk))
            ours.append(_by_pipeline(settings, talk))
    pipeline, by_hand = _median(ours), _median(plain)
    ratio, wall = pipeline.cpu_s / by_hand.cpu_s, pipeline.wall_s / by_hand.wall_s
    return MediaFigures(seconds, rounds, pipeline, by_hand, round(ratio, 3), round(wall, 3))


def _median(used: list[Used]) -> Used:
    cpu, wall = (statistics.median(getattr(each, name) for each in used) for name in ("cpu_s", "wall_s"))
    return Used(round(cpu, 2), round(wall, 2))


@contextmanager
def _installation(folder: Path) -> Iterator[Settings]:
    """Start a storage server and make a database that nobody else uses."""
    started = embedded.start(folder, origin="http://127.0.0.1:1")
    try:
        settings = Settings.model_validate({"data_dir": folder, **embedded.addresses(started.server)})
        engine = make_engine(settings.database)
        migrate(engine)
        engine.dispose()
        build(settings)
        yield settings
    finally:
        embedded.stop(started)


def _environment(settings: Settings) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"ASSAY_DATABASE_URL", "ASSAY_DATA_DIR"}}
    given = {f"ASSAY_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set}
    return {**kept, **given, "PYTHONPATH": import_path()}


def _recording(settings: Settings, seconds: int) -> Path:
    path = settings.data_dir / "talk.mp4"
    command = python("workers.byhand", "make", str(path), "--seconds", str(seconds))
    subprocess.run(command, env=_environment(settings), check=True)
    return path


def _by_hand(settings: Settings, talk: Path) -> Used:
    command = python("workers.byhand", "convert", str(talk))
    done = subprocess.run(command, env=_environment(settings), check=True, capture_output=True, text=True)
    return Used(**json.loads(done.stdout))


def _by_pipeline(settings: Settings, talk: Path) -> Used:
    """Hand the recording in and return what the worker used until it can be played."""
    engine = make_engine(settings.database)
    try:
        with _worker(settings, engine) as worker:
            before, began = _cpu_s(worker.pid), time.monotonic()
            evidence_id = _arrived(engine, Storage(settings), talk)
            _until(lambda: _is_converted(engine, evidence_id), LONGEST_SECONDS)
            return Used(_cpu_s(worker.pid) - before, time.monotonic() - began)
    finally:
        engine.dispose()


@contextmanager
def _worker(settings: Settings, engine: Engine) -> Iterator["subprocess.Popen[bytes]"]:
    command = python("workers", "--queues", "media")
    with subprocess.Popen(command, env=_environment(settings), stderr=subprocess.DEVNULL) as worker:
        try:
            _until(lambda: bool(live_workers(engine)), READY_SECONDS)
            yield worker
        finally:
            worker.terminate()


def _until(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise Unavailable("The measurement took too long: is the machine busy?")
        time.sleep(LOOK_SECONDS)


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process, and of all below it that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[USED])) / os.sysconf("SC_CLK_TCK")


def _arrived(engine: Engine, storage: Storage, talk: Path) -> UUID:
    """Hand in the file as the site does when its upload is complete."""
    with writing(engine) as session:
        candidate = session.exec(select(Person)).first()
        rubric = session.exec(select(RubricVersion).where(RubricVersion.code == RUBRIC)).one()
        if candidate is None:
            raise Unavailable("The installation of the measurement has nobody in it.")
        submission = Submission(
            organisation_id=rubric.organisation_id,
            candidate_id=candidate.id,
            rubric_id=rubric.id,
            rubric_code=rubric.code,
            rubric_major=rubric.major,
            rubric_content_hash=rubric.content_hash,
            language="en",
            attempt=1,
            state=SubmissionState.DRAFT,
            created_at=clock(),
        )
        session.add(submission)
        session.flush()
        evidence = Evidence(
            organisation_id=rubric.organisation_id,
            submission_id=submission.id,
            position=1,
            kind=EvidenceKind.VIDEO,
            name="talk.mp4",
            media_type="video/mp4",
            state=EvidenceState.PROCESSING,
            object_key=f"t/{submission.id}",
            size_bytes=talk.stat().st_size,
            created_at=clock(),
        )
        session.add(evidence)
        session.flush()
        stages.begin(session, evidence, now=clock(), skipped=[StageName.SCAN])
        storage.put_file(evidence.object_key, talk, media_type="video/mp4")
        processing.start(session, evidence, now=clock())
        return evidence.id


def _is_converted(engine: Engine, evidence_id: UUID) -> bool:
    with reading(engine) as session:
        evidence = session.get_one(Evidence, evidence_id)
        if evidence.state not in {EvidenceState.PROCESSING, EvidenceState.READY}:
            raise Unavailable(f"The recording was not converted: {evidence.reason}")
        return session.get_one(EvidenceStage, (evidence_id, StageName.CONVERT)).state is StageState.DONE
