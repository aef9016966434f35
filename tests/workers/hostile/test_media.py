"""Recordings that want to do harm: too much of something, or something else than they say. Each ends as a sentence."""

import io
import os
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import Unavailable
from tests.workers.conftest import Make
from tests.workers.hostile.conftest import Judge, verdict
from workers.media.gate import Refusal
from workers.media.picture import convert_picture
from workers.media.probe import ToolFailed, Unreadable, count, probe
from workers.media.run import must_have_converted
from workers.media.sandbox import Limits
from workers.media.tools import Tools


@pytest.mark.parametrize(
    ("content", "expected", "says"),
    [
        (b"", "empty", "is empty"),
        (b"Dear assessor, here is my video.\n" * 50, "not-media", "is a text"),
        (b"%PDF-1.7\n%more", "not-media", "is a PDF document"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "not-media", "is a picture"),
        (os.urandom(4) * 1000, "not-media", "not a recording"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    content: bytes, expected: str, says: str, tools: Tools, tmp_path: Path
) -> None:
    path = tmp_path / "upload.mp4"
    path.write_bytes(content)
    answer = verdict(path, tools, tmp_path)
    assert isinstance(answer, Refusal)
    assert answer.code == expected
    assert says in str(answer)


def test_a_zip_archive_is_no_recording(judge: Judge, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.mp4", b"x")
    path = tmp_path / "upload"
    path.write_bytes(packed.getvalue())
    assert judge(path) == "not-media"


def test_a_recording_cut_short_is_found_out(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(good_mp4.read_bytes()[: good_mp4.stat().st_size * 6 // 10])
    answer = verdict(path, tools, tmp_path)
    assert isinstance(answer, Refusal)
    assert answer.code == "truncated"
    assert "4 s long" in str(answer)


def test_a_recording_without_its_index_is_unreadable(make: Make, judge: Judge, tmp_path: Path) -> None:
    whole = make(form="mp4").read_bytes()  # the index stands at the end
    path = tmp_path / "upload"
    path.write_bytes(whole[: len(whole) // 2])
    assert judge(path) == "not-media"


def wav(*, rate_hz: int, channels: int, data: bytes) -> bytes:
    width = 2 * channels
    form = b"fmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + channels.to_bytes(2, "little")
    form += rate_hz.to_bytes(4, "little") + (rate_hz * width).to_bytes(4, "little") + width.to_bytes(2, "little")
    form += (16).to_bytes(2, "little") + b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + (4 + len(form)).to_bytes(4, "little") + b"WAVE" + form


def test_one_sample_a_second_does_not_become_a_day_of_sound(judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(wav(rate_hz=1, channels=1, data=bytes(100_000)))
    assert judge(path, kind="audio") == "odd-sound"


def test_a_picture_as_wide_as_a_street_is_refused(make: Make, judge: Judge) -> None:
    wide = make("-c:v", "mpeg4", form="avi", size="4096x16", seconds=0.5, sound=False)
    assert judge(wide) == "odd-shape"


def test_a_huge_picture_is_refused(make: Make, judge: Judge) -> None:
    huge = make("-c:v", "mpeg4", form="avi", size="4200x2400", rate="2", seconds=1, sound=False)
    assert judge(huge) == "too-many-pixels"


def test_two_frames_a_day_apart_are_too_long(make: Make, judge: Judge) -> None:
    """A kilobyte that would become millions of frames; this container does not say how long it is."""
    spread = ("-vf", "setpts=PTS*400000", "-c:v", "libvpx", "-deadline", "realtime", "-live", "1", "-fps_mode", "vfr")
    bomb = make(*spread, form="webm", sound=False, seconds=0.2, rate="10", size="64x64")
    assert bomb.stat().st_size < 10_000
    assert judge(bomb) == "too-long"


def test_a_thousand_frames_a_second_are_too_heavy(make: Make, judge: Judge) -> None:
    quick = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
    assert judge(make(*quick, form="webm", sound=False, seconds=1.5, rate="1000", size="16x16")) == "too-heavy"


def test_an_hour_of_silence_in_a_few_kilobytes_is_too_long(tools: Tools, judge: Judge, tmp_path: Path) -> None:
    bomb = tmp_path / "upload"
    silence = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=3600", "-c:a", "flac", "-frame_size", "65535"]
    subprocess.run([tools.binaries.ffmpeg, "-v", "error", *silence, "-f", "flac", bomb], check=True, timeout=60)
    assert bomb.stat().st_size < 50_000
    assert judge(bomb, kind="audio") == "too-long"


@pytest.mark.parametrize(("tracks", "expected"), [(12, "too-many-streams"), (60, "too-many-streams")])
def test_a_file_of_many_tracks_is_refused(
    tracks: int, expected: str, tools: Tools, good_mp4: Path, judge: Judge, tmp_path: Path
) -> None:
    maps = [word for _ in range(tracks) for word in ("-map", "0:a")]
    bomb = tmp_path / "upload"
    command = [tools.binaries.ffmpeg, "-v", "error", "-i", good_mp4, *maps, "-map", "0:v", "-c", "copy"]
    subprocess.run([*command, "-f", "matroska", bomb], check=True, timeout=60)
    assert judge(bomb) == expected


def test_a_page_that_pretends_to_be_a_video_becomes_a_video_alone(
    tools: Tools, make: Make, judge: Judge, tmp_path: Path
) -> None:
    fragments = make("-movflags", "+frag_keyframe+empty_moov+default_base_moof", form="mp4", seconds=2)
    page = b"<html><script>top.document.title='pwned'</script><svg onload=alert(1)>"
    path = tmp_path / "upload.html"
    path.write_bytes((8 + len(page)).to_bytes(4) + b"free" + page + fragments.read_bytes())
    assert judge(path) is None
    found = probe(path, tools=tools, scratch=tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    playable = convert_picture(path, found, duration_ms=2_000, out_dir=out, tools=tools)
    assert b"pwned" not in playable.read_bytes()


def test_two_frames_far_apart_are_converted_within_the_limits(make: Make, tools: Tools, tmp_path: Path) -> None:
    """What the gate lets pass may still ask for many copies of one frame: they stay small and end soon."""
    spread = ("-vf", "setpts=PTS*500", "-c:v", "libvpx", "-deadline", "realtime", "-live", "1", "-fps_mode", "vfr")
    path = make(*spread, form="webm", sound=False, seconds=0.2, rate="10", size="64x64")
    found, extent = probe(path, tools=tools, scratch=tmp_path), count(path, tools=tools, scratch=tmp_path)
    assert extent.duration_ms > 40_000
    playable = convert_picture(path, found, duration_ms=extent.duration_ms, out_dir=tmp_path, tools=tools)
    assert playable.stat().st_size < 1 << 20


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("No space left on device", Unavailable),
        ("Disk quota exceeded", Unavailable),
        ("Cannot allocate memory", ToolFailed),
        ("Invalid data found when processing input", Unreadable),
    ],
)
def test_whose_fault_it_is_comes_from_the_tool_and_not_from_the_file(
    reason: str, expected: type[Exception], tools: Tools, make: Make, tmp_path: Path
) -> None:
    """A file that bears such a reason as its title and can't be converted would be tried for ever."""
    path = make("-metadata", f"title={reason}", form="mp4", size="64x48", rate="5", seconds=1, sound=False)
    command = [tools.binaries.ffmpeg, "-nostdin", "-i", path, "-c:v", "none-such", "-f", "null", "-"]
    run = tools.sandbox.run(command, reads=[path], out_dir=tmp_path, limits=Limits(cpu_seconds=10, wall_seconds=20))
    assert reason in run.stderr
    with pytest.raises(Unreadable):
        must_have_converted(run)
    with pytest.raises(expected):
        must_have_converted(replace(run, stderr=f"{run.stderr}[out#0 @ 0x1] Error writing trailer: {reason}\n"))


def test_a_full_disk_is_not_the_candidates_fault(tools: Tools, good_mp4: Path, tmp_path: Path) -> None:
    limits = Limits(cpu_seconds=10, wall_seconds=10, file_bytes=1000)
    command = [tools.binaries.ffmpeg, "-nostdin", "-i", good_mp4, "-c", "copy", "-f", "mpegts", tmp_path / "x"]
    run = tools.sandbox.run(command, reads=[good_mp4], out_dir=tmp_path, limits=limits)
    with pytest.raises(Exception, match=r"media tool ended|disk"):
        must_have_converted(run)
