"""`kill -9` of a worker at any time: the work is taken up again and ends once and right."""

import os
import signal
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence, TranscriptChunk
from app.evidence.states import EvidenceState, RenditionKind, StageState, SubmissionState
from app.jobs import presence
from app.jobs.clock import clock
from app.jobs.models import Job, JobState
from tests.workers.conftest import SAMPLES, Make
from tests.workers.evidence.conftest import Place
from workers.media.tools import Tools

pytestmark = pytest.mark.speech


@pytest.fixture(scope="session")
def long_video(make: Make) -> Path:
    """Long enough for a kill in the midst of its conversion."""
    return make(form="mp4", size="1280x720", seconds=40)


@pytest.fixture(scope="session")
def long_talk(make: Make, tools: Tools) -> Path:
    """Three minutes of real speech: more chunks than are heard at a time."""
    clips = [SAMPLES / f"{name}.flac" for name in ("en-librivox-1", "en-librivox-2", "en-fleurs-1")] * 8
    loaded = [word for clip in clips for word in ("-i", str(clip))]
    joined = "".join(f"[{number}:a]" for number in range(len(clips)))
    return make(
        *loaded, "-filter_complex", f"{joined}concat=n={len(clips)}:v=0:a=1", form="flac", picture=False, sound=False
    )


def actions(place: Place, evidence_id: UUID) -> list[str]:
    """Return what the audit trail says of an evidence; the trail itself must hold."""
    with reading(place.engine) as session:
        assert verify(session).ok
        rows = session.exec(select(AuditEvent).where(AuditEvent.subject == f"evidence:{evidence_id}"))
        return [row.action for row in rows]


def test_a_kill_while_converting_costs_the_attempt_and_nothing_else(place: Place, long_video: Path) -> None:
    evidence_id = place.arrived(long_video, "video")
    worker = place.start()
    place.wait(lambda: place.stage(evidence_id, "convert").progress > 0.2)
    assert RenditionKind.PREVIEW in place.renditions(evidence_id)  # its candidate looks at it already
    worker.kill()
    worker.wait()
    left = list((place.settings.data_dir / "work").glob("worker-*"))
    assert left
    with place.worker():
        place.wait_for_state(evidence_id, "ready", "failed")
        assert not any(path.exists() for path in left)
        place.wait_until_tidy(evidence_id)
    job = place.job("convert", evidence_id)
    assert job is not None
    assert (job.state, job.attempt) == (JobState.DONE, 2)
    assert place.stage(evidence_id, "convert").tries <= 2
    assert place.submission(evidence_id).state is SubmissionState.READY
    assert actions(place, evidence_id) == ["evidence.inspected", "evidence.ready"]


def test_a_kill_while_transcribing_goes_on_with_the_next_chunk(place: Place, long_talk: Path) -> None:
    def chunks() -> list[TranscriptChunk]:
        with reading(place.engine) as session:
            return list(session.exec(select(TranscriptChunk).where(TranscriptChunk.evidence_id == evidence_id)))

    evidence_id = place.arrived(long_talk, "audio")
    worker = place.start()
    place.wait(lambda: len(chunks()) >= 1)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    kept = {(row.index, row.start_ms, str(row.segments)) for row in chunks()}
    assert place.evidence(evidence_id).state.value == "processing"
    assert place.submission(evidence_id).state is SubmissionState.READY  # it plays: nobody waits for the words
    with place.worker():
        place.wait_for_state(evidence_id, "ready", "failed")
    assert kept <= {(row.index, row.start_ms, str(row.segments)) for row in chunks()}
    assert sorted(row.index for row in chunks()) == list(range(len(chunks())))
    transcript = place.transcript(evidence_id)
    assert transcript is not None
    said = " ".join(segment["text"] for segment in transcript.body["segments"]).lower()
    assert said.count("john dashwood") == 8
    assert actions(place, evidence_id) == ["evidence.inspected", "evidence.ready"]


def shared_job(place: Place, evidence_id: UUID, share: str) -> JobState:
    with reading(place.engine) as session:
        return session.get_one(Job, f"convert-pieces:{evidence_id}:1:{share}").state


def test_a_kill_in_a_long_video_costs_one_piece(place: Place, make: Make) -> None:
    prefix = "e/"

    def kept() -> set[str]:
        return {key for key in place.storage.keys(prefix) if str(evidence_id) in key and key.endswith(".ts")}

    video = make("-ar", "8000", form="mp4", size="160x120", rate="6", seconds=600.6)  # the rubric takes ten minutes
    evidence_id = place.arrived(video, "video")
    worker = place.start("--queues", "media")
    place.wait(lambda: len(kept()) >= 3)
    worker.kill()
    worker.wait()
    before = {key: place.storage.head(key) for key in kept()}
    assert place.job_state("convert", evidence_id) is JobState.DONE  # the sound: the picture is shared out
    spoilt = min(before)  # whoever joins makes it once more, and the sound too
    del before[spoilt]
    for key in (spoilt, f"{spoilt.rpartition('/')[0]}/sound.m4a"):
        place.storage.put_bytes(key, b"something else", media_type="video/mp2t")
    with place.worker("--queues", "media,quick", "--concurrency", "2"):
        place.wait(lambda: len(kept()) > len(before) + 1)
        assert {key: place.storage.head(key) for key in before} == before
        place.wait(lambda: place.stage(evidence_id, "convert").state is StageState.DONE)
        place.wait_until_tidy(evidence_id)
    assert place.submission(evidence_id).state is SubmissionState.READY
    assert place.wait(lambda: not kept()) is None
    assert [shared_job(place, evidence_id, share) for share in "01"] == [JobState.DONE] * 2
    playable = place.renditions(evidence_id)[RenditionKind.PLAYABLE]
    assert place.storage.head(playable.object_key) is not None
    assert "2 stored pieces are made once more" in place.log.read_text()


def test_a_worker_that_is_stopped_gives_its_job_back_at_no_cost(place: Place, long_video: Path) -> None:
    evidence_id = place.arrived(long_video, "video")
    with place.worker() as worker:
        place.wait(lambda: place.stage(evidence_id, "convert").progress > 0.16)
        assert presence.live_queues(place.engine) == {"media", "speech", "quick"}
        worker.terminate()
        worker.terminate()
        assert worker.wait(15) == 0
    job = place.job("convert", evidence_id)
    assert job is not None
    if job.state is not JobState.DONE:
        assert (job.state, job.attempt) == (JobState.TODO, 0)
    assert presence.live_queues(place.engine) == frozenset()


def test_a_recording_that_kills_every_worker_ends_as_failed_with_a_way_on(place: Place, long_video: Path) -> None:
    evidence_id = place.arrived(long_video, "video")
    with writing(place.engine) as session:  # as three dead workers leave it
        job = session.get_one(Job, f"inspect:{evidence_id}:1")
        job.attempt = 3
        session.add(job)
    with place.worker("--queues", "media"):
        evidence = place.wait_for_state(evidence_id, "failed", "ready")
    assert evidence.reason is not None
    assert evidence.reason["code"] == "processing-failed"
    assert place.stage(evidence_id, "inspect").state is StageState.FAILED
    assert place.submission(evidence_id).state is SubmissionState.RETURNED


def test_a_storage_that_is_down_costs_time_but_no_try(place: Place, long_video: Path) -> None:
    evidence_id = place.arrived(long_video, "video")

    def deferrals() -> int:
        job = place.job("inspect", evidence_id)
        return job.deferrals if job else 0

    with place.worker("--queues", "media", ASSAY_S3_ENDPOINT_URL="http://127.0.0.1:9"):
        place.wait(lambda: deferrals() >= 2)
    job = place.job("inspect", evidence_id)
    assert job is not None
    assert (job.state, job.attempt) == (JobState.TODO, 0)
    with place.worker("--queues", "media"):
        place.wait(lambda: place.stage(evidence_id, "inspect").state is StageState.DONE)


def test_trying_again_begins_anew_and_ends_right(place: Place, make: Make) -> None:
    evidence_id = place.arrived(make("-af", "volume=0", form="mp4", seconds=2), "video")
    with place.worker():
        place.wait_for_state(evidence_id, "ready", "failed")
        with writing(place.engine) as session:  # as a candidate's retry does after a failure on our side
            evidence = session.get_one(Evidence, evidence_id)
            evidence.state, evidence.generation = EvidenceState.PROCESSING, 2
            session.add(evidence)
            stages.restart(session, evidence, now=clock())
            processing.start(session, evidence, now=clock())
        place.wait_for_state(evidence_id, "ready", "failed")
        place.wait_until_tidy(evidence_id)
    assert place.evidence(evidence_id).state is EvidenceState.READY
    assert place.stage(evidence_id, "transcribe").state is StageState.DONE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_work_disk_costs_time_but_no_try_and_says_so(place: Place, long_video: Path) -> None:
    work = place.settings.data_dir / "work"
    work.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", work], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    evidence_id = place.arrived(long_video, "video")

    def waiting() -> bool:
        job = place.job("inspect", evidence_id)
        return job is not None and job.deferrals >= 1 and "disk for work files is full" in (job.error or "")

    try:
        with place.worker("--queues", "media"):
            place.wait(waiting)
    finally:
        subprocess.run(["umount", "-l", work], check=True)
    with place.worker("--queues", "media"):
        place.wait(lambda: place.stage(evidence_id, "inspect").state is StageState.DONE)
