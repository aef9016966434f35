"""A file that breaks its tool each time, and a storage that is down, breaks off and is slow: what happens to others."""

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.evidence.states import EvidenceState, StageState, SubmissionState
from app.jobs.models import JobState
from tests.journeys.mortal import descendants
from tests.workers.conftest import Make
from tests.workers.evidence.conftest import Place
from tests.workers.evidence.faulty import faulty


@pytest.fixture(scope="session")
def long_video(make: Make) -> Path:
    """Long enough to be caught in the midst of its conversion."""
    return make(form="mp4", size="1280x720", seconds=40)


def tools_of(pid: int) -> list[int]:
    """Return the media tools that a worker has started and that run now."""
    return [each for each in descendants(pid) if b"ffmpeg" in command(each) and b"libx264" in command(each)]


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_file_that_kills_its_tool_stops_after_three_tries_and_holds_nobody_up(
    place: Place, long_video: Path, make: Make
) -> None:
    poison = place.arrived(long_video, "video")
    other: list[UUID] = []

    def ended() -> bool:
        job = place.job("convert", poison)
        if job is not None and job.state is JobState.DOING:
            for pid in tools_of(worker.pid):
                os.kill(pid, signal.SIGKILL)
            if not other:
                other.append(place.arrived(make(form="mp4", seconds=2, sound=False), "video"))
        return place.evidence(poison).state is EvidenceState.FAILED

    with place.worker("--queues", "media,quick") as worker:
        place.wait(ended)
        job = place.job("convert", poison)
        assert job is not None
        assert (job.state, job.attempt) == (JobState.FAILED, 3)
        place.wait_for_state(other[0], "ready")
        assert worker.poll() is None
    inspected = place.job("convert", other[0])
    assert inspected is not None
    assert inspected.ended_at is not None
    assert job.ended_at is not None
    assert inspected.ended_at < job.ended_at, "the other one went between its tries"
    assert place.submission(poison).state is SubmissionState.RETURNED
    assert (place.evidence(poison).reason or {})["code"] == "processing-failed"


def test_a_storage_that_is_down_breaks_off_and_is_slow_costs_time_and_nothing_else(place: Place, make: Make) -> None:
    evidence_id = place.arrived(make(form="mp4", seconds=8, sound=False), "video")

    def deferrals() -> int:
        jobs = (place.job("inspect", evidence_id), place.job("convert", evidence_id))
        return sum(job.deferrals for job in jobs if job is not None)

    with faulty(to_port=urlsplit(place.settings.s3_endpoint_url).port or 0) as storage:
        storage.refuse = True
        with place.worker("--queues", "media,quick", ASSAY_S3_ENDPOINT_URL=storage.url):
            place.wait(lambda: deferrals() >= 1)
            storage.heal()
            storage.break_after_bytes = 20_000
            place.wait(lambda: deferrals() >= 2)
            storage.heal()
            storage.wait_seconds = 0.02
            place.wait_for_state(evidence_id, "ready", "failed")
            place.wait_until_tidy(evidence_id)
    assert storage.broken > 0
    assert place.evidence(evidence_id).state is EvidenceState.READY
    assert place.stage(evidence_id, "convert").state is StageState.DONE
    for act in ("inspect", "convert"):
        job = place.job(act, evidence_id)
        assert job is not None
        assert (job.state, job.attempt) == (JobState.DONE, 1), "no try was lost"
