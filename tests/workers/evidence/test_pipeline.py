"""Evidence goes from its upload to what assessors see and hear, with a real worker, storage and speech model."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.models import Evidence
from app.evidence.processing import Inspected, Key, inspected, start
from app.evidence.states import EvidenceState, RenditionKind, StageState, SubmissionState
from app.jobs.clock import clock
from app.jobs.models import JobState
from tests.workers.conftest import SAMPLES, Make
from tests.workers.evidence.conftest import Place
from workers.media.tools import Tools

pytestmark = pytest.mark.speech

K = RenditionKind


@pytest.fixture(scope="session")
def talk(make: Make, tools: Tools) -> Path:
    """A video of seven seconds in which somebody speaks."""
    still = make(form="mp4", seconds=7, sound=False)
    result = still.with_name("talk")
    command = [tools.binaries.ffmpeg, "-v", "error", "-i", still, "-i", SAMPLES / "en-librivox-1.flac"]
    subprocess.run([*command, "-c:v", "copy", "-c:a", "aac", "-f", "mp4", result], check=True, timeout=60)
    return result


def stored(place: Place, evidence_id: UUID, kind: RenditionKind) -> bytes:
    row = place.renditions(evidence_id)[kind]
    content = place.storage.get_bytes(row.object_key)
    assert hashlib.sha256(content).hexdigest() == row.sha256
    assert len(content) == row.size_bytes
    return content


def test_a_talk_becomes_playable_searchable_and_ready(busy: Place, talk: Path) -> None:
    digest = hashlib.sha256(talk.read_bytes()).hexdigest()
    evidence_id = busy.arrived(talk, "video", client_sha256=digest)
    evidence = busy.wait_for_state(evidence_id, "ready")
    assert busy.submission(evidence_id).state is SubmissionState.READY
    assert (evidence.sha256, evidence.width, evidence.height) == (digest, 640, 360)
    assert evidence.duration_ms == pytest.approx(7100, abs=150)
    assert "shorter-than-asked" in evidence.warnings
    assert set(busy.renditions(evidence_id)) == {K.PLAYABLE, K.POSTER, K.WAVEFORM, K.CAPTIONS, K.SPEECH}
    assert b"ftyp" in stored(busy, evidence_id, K.PLAYABLE)[:12]
    assert stored(busy, evidence_id, K.POSTER)[:3] == b"\xff\xd8\xff"
    assert stored(busy, evidence_id, K.CAPTIONS).startswith(b"WEBVTT")
    assert max(json.loads(stored(busy, evidence_id, K.WAVEFORM))["peaks"]) == 100
    transcript = busy.transcript(evidence_id)
    assert transcript is not None
    said = " ".join(segment["text"] for segment in transcript.body["segments"]).lower()
    assert "john dashwood" in said
    assert {busy.stage(evidence_id, name).state for name in ("inspect", "convert", "transcribe")} == {StageState.DONE}


def test_a_sound_recording_is_made_in_one_pass(busy: Place) -> None:
    evidence_id = busy.arrived(SAMPLES / "en-fleurs-2-very-quiet.flac", "audio")
    evidence = busy.wait_for_state(evidence_id, "ready")
    assert set(busy.renditions(evidence_id)) == {K.PLAYABLE, K.WAVEFORM, K.CAPTIONS, K.SPEECH}
    assert busy.renditions(evidence_id)[K.PLAYABLE].media_type == "audio/mp4"
    assert "very-quiet" in evidence.warnings
    transcript = busy.transcript(evidence_id)
    assert transcript is not None
    assert transcript.body["segments"]


def test_a_silent_video_is_ready_without_a_transcript(busy: Place, make: Make) -> None:
    evidence_id = busy.arrived(make(form="mp4", sound=False, seconds=2), "video")
    evidence = busy.wait_for_state(evidence_id, "ready")
    assert busy.stage(evidence_id, "transcribe").state is StageState.SKIPPED
    assert {"no-sound", "no-transcript"} <= set(evidence.warnings)
    assert busy.transcript(evidence_id) is None


def test_a_tone_has_no_speech_and_that_is_a_result(busy: Place, make: Make) -> None:
    evidence_id = busy.arrived(make(form="wav", picture=False), "audio")
    busy.wait_for_state(evidence_id, "ready")
    transcript = busy.transcript(evidence_id)
    assert transcript is not None
    assert transcript.body["segments"] == []
    assert busy.evidence(evidence_id).warnings == ["no-speech", "not-scanned", "shorter-than-asked"]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"Dear assessor" * 9, "not-media"), (b"#EXTM3U\n/etc/passwd\n", "not-media")],
)
def test_a_bad_file_sends_the_submission_back_with_a_reason(
    busy: Place, tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    evidence_id = busy.arrived(path, "video")
    evidence = busy.wait_for_state(evidence_id, "rejected")
    assert evidence.reason is not None
    assert evidence.reason["code"] == code
    assert busy.submission(evidence_id).state is SubmissionState.RETURNED
    assert busy.stage(evidence_id, "inspect").state is StageState.FAILED
    assert busy.stage(evidence_id, "convert").state is StageState.SKIPPED


def test_a_document_becomes_text_that_can_be_judged(busy: Place, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("First paragraph.\n\nالفقرة الثانية.")
    evidence_id = busy.arrived(path, "document")
    evidence = busy.wait_for_state(evidence_id, "ready")
    assert evidence.words == 4
    assert busy.submission(evidence_id).state is SubmissionState.READY
    body = json.loads(stored(busy, evidence_id, K.TEXT))
    assert [one["text"] for one in body["paragraphs"]] == ["First paragraph.", "الفقرة الثانية."]
    assert busy.stage(evidence_id, "extract").state is StageState.DONE


def test_another_file_than_the_one_that_was_sent_is_refused(busy: Place, talk: Path) -> None:
    evidence_id = busy.arrived(talk, "video", client_sha256="0" * 64)
    evidence = busy.wait_for_state(evidence_id, "rejected")
    assert evidence.reason is not None
    assert evidence.reason["code"] == "digest-mismatch"


def test_a_draft_stays_a_draft_when_its_file_is_refused(busy: Place, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"%PDF-1.7")
    evidence_id = busy.arrived(path, "video", sent=False)
    busy.wait_for_state(evidence_id, "rejected")
    assert busy.submission(evidence_id).state is SubmissionState.DRAFT


def test_the_audit_trail_holds_after_all_this(busy: Place) -> None:
    with reading(busy.engine) as session:
        assert verify(session).ok


def test_a_second_worker_on_one_sqlite_file_ends_with_a_sentence(busy: Place) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "workers"], env=busy.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 2
    assert "Another worker runs" in second.stderr


def test_an_original_that_was_changed_later_is_damaged_not_converted(busy: Place, talk: Path) -> None:
    evidence_id = busy.arrived(talk, "video", start=False)
    seen = Inspected(sha256="0" * 64, size_bytes=talk.stat().st_size, duration_ms=7_100)
    with writing(busy.engine) as session:
        inspected(session, Key(evidence_id, 1), seen, now=clock())
    evidence = busy.wait_for_state(evidence_id, "damaged", "ready")
    assert evidence.state is EvidenceState.DAMAGED
    assert busy.submission(evidence_id).state is SubmissionState.RETURNED
    assert busy.renditions(evidence_id) == {}


def test_what_is_not_there_any_more_is_nobodys_work(busy: Place, talk: Path) -> None:
    evidence_id = busy.arrived(talk, "video", start=False)
    with writing(busy.engine) as session:
        evidence = session.get_one(Evidence, evidence_id)
        start(session, evidence, now=clock())
        evidence.state = EvidenceState.ERASED
        session.add(evidence)
    busy.wait(lambda: busy.job_state("inspect", evidence_id) is JobState.DONE)
    assert busy.stage(evidence_id, "inspect").state is StageState.WAITING
