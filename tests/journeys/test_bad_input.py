"""Files that can't be used: each is refused with a sentence that says what to do, and nobody else notices."""

import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.ports import listening
from tests.journeys.recordings import SAMPLES, a_talk, a_talking_video, ffmpeg
from tests.journeys.running import running
from tests.journeys.story import Cast, a_cast, declaration, rubric, submit_when_checked

pytestmark = pytest.mark.journey
CALL, TALK = "teller-service-call", "presentation-skills"  # one takes sound, the other video
RUBRICS = {"audio": CALL, "video": TALK}
TYPES = {"audio": "audio/mpeg", "video": "video/mp4"}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, own_database: dict[str, str]) -> Iterator[Cast]:
    with running(tmp_path_factory.mktemp("bad")) as here:
        yield a_cast(here)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording of each kind that is taken."""
    folder = tmp_path_factory.mktemp("good")
    voice = a_talk(folder / "voice.mp3", "en-fleurs-1.flac")
    return {"audio": voice, "video": a_talking_video(folder / "talk.mp4", voice)}


@dataclass(frozen=True)
class Canary:
    """A file and a port of this machine that a hostile file points to; nobody may open either."""

    file: Path
    door: socket.socket

    @property
    def is_untouched(self) -> bool:
        self.door.setblocking(False)
        try:
            self.door.accept()[0].close()
        except BlockingIOError:
            return self.file.stat().st_atime_ns == 0
        return False


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    file = tmp_path / "canary.ts"
    file.write_bytes((SAMPLES / "en-fleurs-1.flac").read_bytes())
    os.utime(file, ns=(0, 0))
    with listening(0) as door:
        yield Canary(file, door)


def begun(cast: Cast, kind: str) -> str:
    asked = rubric(cast.candidate, RUBRICS[kind])["id"]
    made = cast.candidate.ask("POST", "/api/v1/submissions", {"rubric_id": asked, "language": "en"}, status=201)
    return str(made["id"])


def uploaded(cast: Cast, submission_id: str, file: Path, *, kind: str) -> Any:
    """Upload a file to a submission; the evidence when the pipeline is through with it."""
    evidence_id = cast.candidate.upload(submission_id, file, kind=kind, media_type=TYPES[kind])
    return cast.candidate.evidence_at_rest(evidence_id)


# --- what can be known before a byte is sent


@pytest.mark.parametrize(
    ("facts", "status", "said"),
    [
        ({"size_bytes": 0}, 422, "size_bytes"),
        ({"size_bytes": 3 * 1024**3}, 413, "Record in a lower quality or cut it"),
        ({"media_type": "text/html"}, 422, "media_type"),
        ({"name": "a\x07b.mp3"}, 422, "without control characters"),
        ({"kind": "video"}, 422, "does not take this kind"),
    ],
)
def test_what_the_declaration_gives_away_is_refused_at_once(cast: Cast, facts: dict[str, Any], status: int, said: str):
    submission_id = begun(cast, "audio")
    body = {"kind": "audio", "name": "call.mp3", "media_type": "audio/mpeg", "size_bytes": 1000, **facts}
    problem = cast.candidate.ask("POST", f"/api/v1/submissions/{submission_id}/evidence", body, status=status)
    assert said in json.dumps(problem)
    assert cast.candidate.get(f"/api/v1/submissions/{submission_id}")["evidence"] == []


# --- what only the bytes tell


def a_pdf(target: Path, **_: Any) -> Path:
    target.write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")
    return target


def a_text(target: Path, **_: Any) -> Path:
    target.write_text("This is the text of my call, because the recorder was broken.\n" * 20)
    return target


def noise(target: Path, **_: Any) -> Path:
    target.write_bytes(b"\x01" + random.Random(7).randbytes(200_000))  # noqa: S311  # the same file each time
    return target


def cut_off(target: Path, *, video: Path, **_: Any) -> Path:
    """Half of a video whose table of contents lies at its end, as when a copy was interrupted."""
    content = video.read_bytes()
    target.write_bytes(content[: len(content) // 2])
    return target


def cut_off_streamable(target: Path, *, video: Path, **_: Any) -> Path:
    """Half of a video whose table of contents lies at its beginning: it opens, and says that it is whole."""
    whole = target.with_name("whole.mp4")
    ffmpeg("-i", str(video), "-c", "copy", "-movflags", "+faststart", str(whole))
    return cut_off(target, video=whole)


def too_long(target: Path, **_: Any) -> Path:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "615", "-b:a", "8k", str(target))
    return target


def playlist(target: Path, *, canary: Canary, **_: Any) -> Path:
    port = canary.door.getsockname()[1]
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:10", "#EXTINF:10,", f"file://{canary.file}"]
    lines += ["#EXTINF:10,", f"http://127.0.0.1:{port}/canary.ts", "#EXT-X-ENDLIST", ""]
    target.write_text("\n".join(lines))
    return target


Maker = Callable[..., Path]
BAD: list[tuple[str, Maker, str, str, str]] = [
    ("a PDF as sound", a_pdf, "audio", "not-media", "This file is a PDF document"),
    ("a text that was renamed", a_text, "video", "not-media", "This file is a text, not a recording"),
    ("random bytes", noise, "audio", "not-media", "Upload a video"),
    ("cut off", cut_off, "video", "not-media", "Copy it again from the device"),
    ("cut off, streamable", cut_off_streamable, "video", "truncated", "Copy it again from the device"),
    ("too long for the rubric", too_long, "audio", "too-long", "Cut it and upload it again"),
    ("a hostile playlist", playlist, "video", "not-media", "Upload a video"),
]


@pytest.mark.parametrize(("make", "kind", "code", "said"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_bad_file_is_rejected_and_touches_nothing(
    cast: Cast, good: dict[str, Path], canary: Canary, tmp_path: Path, make: Maker, kind: str, code: str, said: str
):
    file = make(tmp_path / f"mine.{'mp3' if kind == 'audio' else 'mp4'}", video=good["video"], canary=canary)
    submission_id = begun(cast, kind)
    shown = uploaded(cast, submission_id, file, kind=kind)
    assert shown["state"] == "rejected", shown
    assert shown["reason"]["code"] == code, shown["reason"]
    assert said in shown["reason"]["message"]
    assert shown["renditions"] == []
    assert {stage["state"] for stage in shown["stages"]} == {"failed", "skipped"}
    assert canary.is_untouched
    assert cast.candidate.get(f"/api/v1/submissions/{submission_id}")["state"] == "draft"
    body = declaration(rubric(cast.candidate, RUBRICS[kind]))
    refused = cast.candidate.ask("POST", f"/api/v1/submissions/{submission_id}/submit", body, status=409)
    assert (refused["code"], "Replace it" in refused["detail"]) == ("evidence-rejected", True)
    assert cast.here.rows("SELECT id FROM job WHERE state = 'failed'") == []


# --- what only playing it tells, when the submission was sent already


def hollow(target: Path, video: Path) -> Path:
    """Overwrite the pictures and the sound of a video with noise: its tables are right, its content is none."""
    content = bytearray(video.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov", start) - 4
    content[start:end] = random.Random(7).randbytes(end - start)  # noqa: S311  # the same file each time
    target.write_bytes(content)
    return target


def test_a_sent_submission_comes_back_and_can_be_sent_again(cast: Cast, good: dict[str, Path], tmp_path: Path):
    candidate, asked = cast.candidate, declaration(rubric(cast.candidate, TALK))
    submission_id = begun(cast, "video")
    file = hollow(tmp_path / "hollow.mp4", good["video"])
    bad = candidate.upload(submission_id, file, kind="video", media_type="video/mp4")
    first = submit_when_checked(candidate, submission_id, asked)
    returned = candidate.submission_in(submission_id, "returned", "ready")
    assert (returned["state"], returned["reason"]["code"]) == ("returned", "evidence-rejected"), returned
    assert "Replace it and send again" in returned["reason"]["message"]
    shown = candidate.evidence_at_rest(bad)
    assert (shown["state"], shown["reason"]["code"]) == ("rejected", "damaged"), shown
    candidate.ask("DELETE", f"/api/v1/evidence/{bad}", status=204)
    assert uploaded(cast, submission_id, good["video"], kind="video")["state"] == "ready"
    second = submit_when_checked(candidate, submission_id, asked)
    assert candidate.submission_in(submission_id, "ready")["attempt"] == 1
    assert first["receipt"] != second["receipt"]


def test_after_all_that_the_next_recording_is_taken(cast: Cast, good: dict[str, Path]):
    submission_id = begun(cast, "audio")
    assert uploaded(cast, submission_id, good["audio"], kind="audio")["state"] == "ready"
    assert list((cast.here.data / "work").glob("*/job-*")) == []
    assert cast.here.rows("SELECT id, error FROM job WHERE state NOT IN ('done', 'todo')") == []
    assert cast.here.assay("audit", "verify")["ok"]
