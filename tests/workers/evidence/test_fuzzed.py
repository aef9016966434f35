"""Files that were damaged by chance go through a real worker: each comes to an end, and the worker lives on.

`FUZZED` says how many (a release is tried with 150), `SEED` repeats a run.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import docx
import pytest
from sqlmodel import select

from app.db.engine import reading
from app.evidence.states import EvidenceState, StageState
from app.jobs.models import Job, JobState
from app.storage import embedded
from tests.workers.conftest import Make
from tests.workers.documents.making import a_pdf
from tests.workers.evidence.conftest import Place, a_place
from tests.workers.mutating import mutated

FILES = int(os.environ.get("FUZZED", "12"))
SMALL = {"size": "160x120", "rate": "10", "seconds": 1}
WEBM = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1")


@pytest.fixture
def place(tmp_path: Path, server: embedded.Server) -> Iterator[Place]:
    found = a_place(tmp_path, server)
    yield found
    found.close()


@pytest.fixture(scope="module")
def good(make: Make, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """One small good file of each kind."""
    folder = tmp_path_factory.mktemp("good")
    word = docx.Document()
    word.add_heading("A report", 1)
    word.add_table(2, 2).cell(1, 1).text = "word " * 50
    word.save(str(folder / "word"))
    return [
        ("video", make("-movflags", "+faststart", form="mp4", **SMALL).read_bytes()),
        ("video", make(*WEBM, form="webm", **SMALL).read_bytes()),
        ("audio", make(form="mp3", picture=False, seconds=1).read_bytes()),
        ("audio", make(form="wav", picture=False, seconds=1).read_bytes()),
        ("document", (folder / "word").read_bytes()),
        ("document", a_pdf(folder / "pdf", ["some words"], ["and more"]).read_bytes()),
    ]


def is_over(place: Place, evidence_id: UUID) -> bool:
    """A recording that plays waits for its transcript alone, which another queue writes."""
    evidence = place.evidence(evidence_id)
    plays = evidence.kind.value != "document" and place.stage(evidence_id, "convert").state is StageState.DONE
    return evidence.state is not EvidenceState.PROCESSING or plays


def end_of(place: Place, evidence_id: UUID) -> str:
    evidence = place.evidence(evidence_id)
    code = f" {evidence.reason['code']}" if evidence.reason else ""
    return f"{evidence.kind} {evidence.state}{code}"


def test_no_damaged_file_stops_the_worker(place: Place, good: list[tuple[str, bytes]], tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")  # noqa: T201  # to repeat it
    given: list[UUID] = []
    for number in range(FILES):
        kind, content = good[number % len(good)]
        path = tmp_path / "upload"
        path.write_bytes(mutated(content, seed + number))
        given.append(place.arrived(path, kind))
    with place.worker("--queues", "media", "--concurrency", "2") as worker:
        place.wait(lambda: all(is_over(place, each) for each in given), seconds=60 + 10 * FILES)
        after = tmp_path / "good"
        after.write_bytes(good[0][1])
        last = place.arrived(after, "video")
        place.wait(lambda: is_over(place, last))
        assert worker.poll() is None
    print(Counter(end_of(place, each) for each in given))  # noqa: T201  # for who runs it by hand
    assert place.evidence(last).reason is None
    with reading(place.engine) as session:
        jobs = session.exec(select(Job).where(Job.queue == "media")).all()
    print([f"{job.id}: {job.error}" for job in jobs if job.state is JobState.FAILED])  # noqa: T201  # as above
    assert {job.state for job in jobs} <= {JobState.DONE, JobState.FAILED}
    assert max(job.attempt for job in jobs) <= 3
    assert not any("worker died" in (job.error or "") for job in jobs)
    assert list((place.settings.data_dir / "work").glob("job-*")) == []
