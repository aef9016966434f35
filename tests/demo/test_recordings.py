"""The demonstration's recordings, made by the real ffmpeg."""

from pathlib import Path

import pytest

from app.demo.recordings import Recording, make
from app.errors import Unavailable
from app.settings import Settings
from tests.demo.tools import seconds_of
from workers.doctor import binaries

CLIPS = ("en-librivox-1.flac", "en-fleurs-1.flac")


@pytest.mark.parametrize(
    ("name", "media_type", "streams"),
    [
        ("a.m4a", "audio/mp4", ["audio"]),
        ("a.flac", "audio/flac", ["audio"]),
        ("a.mp4", "video/mp4", ["audio", "video"]),
    ],
)
def test_a_recording_has_its_length_and_streams(tmp_path: Path, name: str, media_type: str, streams: list[str]) -> None:
    tools = binaries(Settings(data_dir=tmp_path))
    made = make(Recording(name, CLIPS, 20, media_type), ffmpeg=tools.ffmpeg, folder=tmp_path / "made")
    length, kinds = seconds_of(made, ffprobe=tools.ffprobe)
    assert length == pytest.approx(20, abs=0.2)
    assert kinds == streams


def test_a_second_start_finds_what_the_first_made(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"made before")
    made = make(Recording("a.flac", CLIPS, 20, "audio/flac"), ffmpeg=Path("/nowhere"), folder=tmp_path)
    assert made.read_bytes() == b"made before"


def test_what_ffmpeg_said_is_told(tmp_path: Path) -> None:
    tools = binaries(Settings(data_dir=tmp_path))
    with pytest.raises(Unavailable, match="no-such-clip"):
        make(Recording("a.flac", ("no-such-clip.flac",), 20, "audio/flac"), ffmpeg=tools.ffmpeg, folder=tmp_path)
