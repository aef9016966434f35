"""A place of its own for a measurement: storage, database, one worker, a recording that is handed in."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

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
PARENT, USED = 1, slice(11, 15)  # proc(5), after the name; utime, stime, and those of children that it has waited for


@dataclass(frozen=True, slots=True)
class Used:
    """What something took: processor time of all its processes, and time on the clock."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """An installation that nobody else uses, and the process of its only worker."""

    engine: Engine
    storage: Storage
    pid: int


@contextmanager
def installation(folder: Path) -> Iterator[Settings]:
    """Start a storage server and make a database in a folder."""
    if not Path("/proc/self/stat").exists():
        raise Invalid("This reads processor times from /proc, which only Linux has.")
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


@contextmanager
def worker(settings: Settings, *queues: str) -> Iterator[Place]:
    """Run a worker for some queues, alone."""
    engine = make_engine(settings.database)
    command = python("workers", "--queues", ",".join(queues))
    try:
        with subprocess.Popen(command, env=environment(settings), stderr=subprocess.DEVNULL) as process:
            try:
                _until(lambda: bool(live_workers(engine)), READY_SECONDS)
                yield Place(engine, Storage(settings), process.pid)
            finally:
                process.terminate()
    finally:
        engine.dispose()


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a process that is to work in this place; the other settings are ours."""
    kept = {name: value for name, value in os.environ.items() if name not in {"ASSAY_DATABASE_URL", "ASSAY_DATA_DIR"}}
    given = {f"ASSAY_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set}
    return {**kept, **given, "PYTHONPATH": import_path()}


def recording(settings: Settings, *, seconds: int) -> Path:
    """Make a video of somebody who speaks."""
    path = settings.data_dir / f"talk-{seconds}.mp4"
    command = python("workers.byhand", "make", str(path), "--seconds", str(seconds))
    subprocess.run(command, env=environment(settings), check=True)
    return path


def through(place: Place, talk: Path, *stages_wanted: StageName) -> Used:
    """Hand a recording in, as the site does when its upload is complete; return what it takes to these stages' end."""
    key = f"t/{uuid4()}"
    place.storage.put_file(key, talk, media_type="video/mp4")
    before, began = cpu_s(place.pid), time.monotonic()
    evidence_id = _complete(place.engine, key, size_bytes=talk.stat().st_size)
    _until(lambda: _is_through(place.engine, evidence_id, stages_wanted), LONGEST_SECONDS)
    return Used(cpu_s(place.pid) - before, time.monotonic() - began)


def median(used: Sequence[Used]) -> Used:
    """Return the median of several rounds."""
    cpu, wall = (statistics.median(getattr(each, name) for each in used) for name in ("cpu_s", "wall_s"))
    return Used(round(cpu, 2), round(wall, 2))


def cpu_s(pid: int) -> float:
    """Return the processor time of a process and of all below it, whether they have ended or not."""
    found: dict[int, tuple[int, int]] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        found[int(each.parent.name)] = int(fields[PARENT]), sum(map(int, fields[USED]))
    family, grown = {pid}, True
    while grown:
        children = {each for each, (parent, _) in found.items() if parent in family} - family
        family, grown = family | children, bool(children)
    return sum(found[each][1] for each in family if each in found) / os.sysconf("SC_CLK_TCK")


def _until(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise Unavailable("The measurement took too long: is the machine busy?")
        time.sleep(LOOK_SECONDS)


def _complete(engine: Engine, key: str, *, size_bytes: int) -> UUID:
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
            object_key=key,
            size_bytes=size_bytes,
            created_at=clock(),
        )
        session.add(evidence)
        session.flush()
        stages.begin(session, evidence, now=clock(), skipped=[StageName.SCAN])
        processing.start(session, evidence, now=clock())
        return evidence.id


def _is_through(engine: Engine, evidence_id: UUID, wanted: Sequence[StageName]) -> bool:
    with reading(engine) as session:
        evidence = session.get_one(Evidence, evidence_id)
        if evidence.state not in {EvidenceState.PROCESSING, EvidenceState.READY}:
            raise Unavailable(f"The recording was not converted: {evidence.reason}")
        states = [session.get_one(EvidenceStage, (evidence_id, stage)).state for stage in wanted]
    if StageState.FAILED in states:
        raise Unavailable("The recording was not transcribed: see the log of the worker.")
    return all(state is StageState.DONE for state in states)
