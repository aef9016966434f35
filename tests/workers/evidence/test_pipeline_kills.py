"""`kill -9` of the worker at random instants of the whole pipeline: nothing lost, doubled, stuck or left behind.

ROUNDS=200 kills more often than the default; SEED=n repeats a run.
"""

import itertools
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading
from app.evidence.models import TranscriptChunk
from app.evidence.states import EvidenceState, StageName, StageState, SubmissionState
from app.jobs.catalog import CATALOG, TIDY
from app.jobs.models import Job, JobState
from app.storage import embedded
from tests.journeys.mortal import Mortal, dice, let_pass
from tests.journeys.recordings import a_talk, a_talking_video
from tests.workers.evidence.conftest import Place, a_place

pytestmark = pytest.mark.speech
ROUNDS = int(os.environ.get("ROUNDS", "2"))
LONGEST = float(os.environ.get("LONGEST", "6"))  # seconds from a worker's first job to its death
BACKLOG = 3
OPEN = (JobState.TODO, JobState.DOING)
MADE = {
    "video": {"captions", "playable", "poster", "speech", "waveform"},
    "audio": {"captions", "playable", "speech", "waveform"},
    "document": {"text"},
}
Sent = dict[UUID, str]


@pytest.fixture
def home(tmp_path: Path, server: embedded.Server, database_url: str) -> Iterator[Place]:
    """An installation of its own; what is put aside anywhere on the disk is put aside inside it."""
    found = a_place(tmp_path, server, **({"database_url": database_url} if database_url else {}))
    yield found
    found.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sent")
    talk = a_talk(folder / "talk.flac", "en-fleurs-1.flac")
    notes = folder / "notes.txt"
    notes.write_text("The company can repay the loan. " * 60)
    return {"video": a_talking_video(folder / "talk.mp4", talk), "audio": talk, "document": notes}


def test_a_worker_killed_anywhere_loses_doubles_and_leaves_nothing(home: Place, files: dict[str, Path]) -> None:
    chance, kinds = dice("pipeline"), itertools.cycle(files)
    sent: Sent = {}
    hit: dict[str, int] = {}
    (home.settings.data_dir / "aside").mkdir()
    for _ in range(ROUNDS):
        while len(unfinished(home)) < BACKLOG:
            kind = next(kinds)
            sent[home.arrived(files[kind], kind)] = kind
        for job in killed(home, chance):
            hit[job] = hit.get(job, 0) + 1
    with home.worker(TMPDIR=aside(home)):
        home.wait(lambda: not unfinished(home), seconds=300)
        home.wait(lambda: not open_jobs(home), seconds=60)
    print(f"{ROUNDS} kills hit {hit}; {len(sent)} sent")  # noqa: T201
    for evidence_id, kind in sent.items():
        ended_once_and_right(home, evidence_id, kind)
    left = [str(path) for path in (home.settings.data_dir / "work").iterdir() if path.name != ".lock"]
    assert left == []
    assert list(Path(aside(home)).iterdir()) == []
    assert not [one for one in home.storage.unfinished("e/") if any(str(each) in one.key for each in sent)]
    with reading(home.engine) as session:
        assert verify(session).ok


def aside(home: Place) -> str:
    return str(home.settings.data_dir / "aside")


def killed(home: Place, chance: random.Random) -> list[str]:
    """Let a worker begin, kill it at a random instant; what it was doing then.

    It is frozen first: a job at its last try is let go, since its third death would end it, as it should.
    """
    worker = Mortal(home.start(TMPDIR=aside(home)))
    home.wait(lambda: any(job.state is JobState.DOING for job in live_jobs(home)) or not unfinished(home))
    while True:
        let_pass(chance.uniform(0, chance.choice((1.5, LONGEST))))  # conversions are over early
        os.kill(worker.pid, signal.SIGSTOP)
        doing = [job for job in live_jobs(home) if job.state is JobState.DOING]
        if all(job.attempt < CATALOG[job.name].max_attempts for job in doing):
            worker.kill()
            return [job.name for job in doing] or ["nothing"]
        os.kill(worker.pid, signal.SIGCONT)


def live_jobs(home: Place) -> list[Job]:
    with reading(home.engine) as session:
        found = session.exec(select(Job).where(col(Job.state).in_(OPEN), col(Job.name).startswith("evidence.")))
        return list(found)


def unfinished(home: Place) -> list[str]:
    """Return the jobs that make something of evidence and have not ended."""
    return [job.id for job in live_jobs(home) if job.args.get("evidence_id") and job.name != TIDY.name]


def open_jobs(home: Place) -> list[str]:
    """Return the jobs about evidence that are due; a second look at what dead workers have stored comes in an hour."""
    return [job.id for job in live_jobs(home) if job.args and job.args.get("look") != 2]


def ended_once_and_right(home: Place, evidence_id: UUID, kind: str) -> None:
    evidence = home.evidence(evidence_id)
    assert evidence.state is EvidenceState.READY, (evidence.reason, home.log.read_text()[-5000:])
    assert home.submission(evidence_id).state is SubmissionState.READY
    renditions = home.renditions(evidence_id)
    assert {each.value for each in renditions} == MADE[kind]
    stored = set(home.storage.keys(f"e/{evidence.organisation_id}/{evidence_id}/"))
    assert stored == {row.object_key for row in renditions.values()}
    assert acts_on(home, f"evidence:{evidence_id}") == ["evidence.inspected", "evidence.ready"]
    assert acts_on(home, f"submission:{evidence.submission_id}") == ["submission.ready"]
    if kind != "document":
        heard_once(home, evidence_id)


def heard_once(home: Place, evidence_id: UUID) -> None:
    transcript = home.transcript(evidence_id)
    assert transcript is not None
    assert home.stage(evidence_id, StageName.TRANSCRIBE).state is StageState.DONE
    starts = [word["start_ms"] for segment in transcript.body["segments"] for word in segment["words"]]
    assert len(starts) > 5
    assert starts == sorted(starts)
    with reading(home.engine) as session:
        chunks = session.exec(select(TranscriptChunk).where(TranscriptChunk.evidence_id == evidence_id)).all()
    assert sorted(row.index for row in chunks) == list(range(len(chunks)))


def acts_on(home: Place, subject: str) -> list[str]:
    with reading(home.engine) as session:
        rows = session.exec(select(AuditEvent).where(AuditEvent.subject == subject).order_by(col(AuditEvent.seq)))
        return [row.action for row in rows]
