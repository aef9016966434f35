"""The set of recordings that people send: whatever it is, it becomes one kind of file that every browser plays."""

import json
import os
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.workers.conftest import Make
from tests.workers.media.recordings import AV1, CASES, CORNERS, HLG, PQ, PREVIEWS, SOUNDS, Studio, converted
from workers.media.check import check_rendition
from workers.media.fitting import constant_rate
from workers.media.gate import Allowed, refuse_extent, refuse_streams
from workers.media.picture import make_poster
from workers.media.pieces import convert_piece, join, pieces
from workers.media.probe import VideoStream, count, probe
from workers.media.sound import convert_sound
from workers.media.tonemap import Curve, to_screen
from workers.media.tools import Tools

OURS = {"und", "VideoHandler", "SoundHandler", "Lavc libx264", "[0][0][0][0]"}


def look(path: Path, tools: Tools) -> dict[str, Any]:
    """Return all that a file says of itself."""
    asked = ("-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json")
    said = subprocess.run([tools.binaries.ffprobe, *asked, path], check=True, capture_output=True, timeout=20)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def must_be_clean(path: Path, tools: Tools) -> dict[str, dict[str, Any]]:
    """Return the streams by kind; nothing of the source's private facts may be there, and the index comes first."""
    found = look(path, tools)
    tags = [found["format"].get("tags", {}), *(stream.get("tags", {}) for stream in found["streams"])]
    for brand in ("major_brand", "minor_version", "compatible_brands"):
        found["format"]["tags"].pop(brand)
    said = {value for each in tags for value in each.values()}
    assert said <= OURS, tags
    assert found["chapters"] == []
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    return {stream["codec_type"]: stream for stream in found["streams"]}


def must_be_shown_everywhere(picture: dict[str, Any]) -> None:
    assert (picture["codec_name"], picture["pix_fmt"], picture["sample_aspect_ratio"]) == ("h264", "yuv420p", "1:1")
    colours = {picture[name] for name in ("color_space", "color_transfer", "color_primaries")}
    assert (colours, picture["color_range"]) == ({"bt709"}, "tv")
    assert picture["field_order"] == "progressive"
    assert picture["r_frame_rate"] == picture["avg_frame_rate"]
    assert not any("rotation" in data for data in picture.get("side_data_list", []))


def must_be_heard_everywhere(sound: dict[str, Any]) -> None:
    assert (sound["codec_name"], sound["channels"], sound["sample_rate"]) == ("aac", 2, "48000")


@pytest.mark.parametrize("name", CASES)
def test_every_video_becomes_what_every_browser_plays(name: str, studio: Studio, tools: Tools, tmp_path: Path) -> None:
    case, shown = CASES[name], studio.video(name)
    playable, length = shown.file, shown.length_ms
    streams = must_be_clean(playable, tools)
    must_be_shown_everywhere(streams["video"])
    assert (streams["video"]["width"], streams["video"]["height"]) == case.becomes
    assert int(streams["video"]["nb_frames"]) == pytest.approx(case.frames, abs=1)
    assert ("audio" in streams) is case.sound
    if "audio" in streams:
        must_be_heard_everywhere(streams["audio"])
    extent = count(playable, tools=tools, scratch=tmp_path)
    assert extent.duration_ms == pytest.approx(1000 * case.seconds, abs=120)
    assert length == pytest.approx(1000 * case.seconds, abs=120)
    assert make_poster(playable, duration_ms=length, out_dir=tmp_path, tools=tools).read_bytes()[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_becomes_what_every_browser_plays(name: str, studio: Studio, tools: Tools, tmp_path: Path) -> None:
    playable = studio.sound(name).file
    must_be_heard_everywhere(must_be_clean(playable, tools)["audio"])
    assert count(playable, tools=tools, scratch=tmp_path).duration_ms == pytest.approx(2000, abs=120)


def test_av1_is_converted_or_refused_by_name(make: Make, studio: Studio, tools: Tools, tmp_path: Path) -> None:
    """Not every ffmpeg can decode it: then the candidate reads why, and not that the file is damaged."""
    if "libsvtav1" not in _encoders(tools):
        pytest.skip("this ffmpeg makes no AV1")
    if not tools.binaries.cannot_read:
        must_be_shown_everywhere(must_be_clean(studio.video("av1").file, tools)["video"])
        return
    found = probe(make(*AV1.options, form=AV1.form, size=AV1.size, seconds=1), tools=tools, scratch=tmp_path)
    refusal = refuse_streams(found, Allowed("video", 60_000, 1 << 30, tools.binaries.cannot_read))
    assert refusal is not None
    assert (refusal.code, refusal.params) == ("unknown-codec", {"codec": "av1"})


def _encoders(tools: Tools) -> str:
    asked = (tools.binaries.ffmpeg, "-hide_banner", "-encoders")
    return subprocess.run(asked, check=True, capture_output=True, text=True, timeout=20).stdout


@pytest.mark.parametrize("degrees", CORNERS)
def test_a_phone_in_any_hand_ends_upright(degrees: str, studio: Studio, tools: Tools) -> None:
    playable = studio.turned(degrees).file
    picture = must_be_clean(playable, tools)["video"]
    must_be_shown_everywhere(picture)
    assert (picture["width"], picture["height"]) == ((160, 120) if degrees == "180" else (120, 160))
    red, green, _ = first_frame(playable, tools, picture)[CORNERS[degrees]]
    assert red > 180
    assert green < 60


def first_frame(path: Path, tools: Tools, picture: dict[str, Any]) -> np.ndarray:
    """Return the points of the first frame as a browser would compute them: rows, columns, RGB."""
    asked = ("-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    raw = subprocess.run([tools.binaries.ffmpeg, *asked], check=True, capture_output=True, timeout=20).stdout
    return np.frombuffer(raw, np.uint8).reshape(picture["height"], picture["width"], 3)


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_colours_stay_what_they_were(matrix: str, make: Make, tools: Tools, tmp_path: Path) -> None:
    """An unnamed matrix of a small picture is BT.601; ours is always BT.709, and says so."""
    named = ("-colorspace", "bt709") if matrix == "bt709" else ()
    patch = f"color=0xD04020:s=160x120:r=5:d=1,format=rgb24,scale=out_color_matrix={matrix},format=yuv420p"
    video = make("-f", "lavfi", "-i", patch, *named, form="mp4", picture=False, sound=False)
    playable, _ = converted(video, tools, tmp_path)
    seen = first_frame(playable, tools, must_be_clean(playable, tools)["video"])[60, 80]
    assert seen == pytest.approx([0xD0, 0x40, 0x20], abs=8)  # read as BT.601 it were 13 off


@pytest.mark.parametrize(("params", "white"), [(PQ, 0.5806), (HLG, 0.75)])
def test_a_bright_picture_is_neither_grey_nor_burnt(
    params: str, white: float, make: Make, tools: Tools, tmp_path: Path
) -> None:
    """What is white on paper (203 nits) ends bright, with room above for the sun; grey stays grey."""
    level = round(64 + white * 876)
    patch = f"nullsrc=s=160x120:r=5:d=1,format=yuv420p10le,geq=lum={level}:cb=512:cr=512"
    codec = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params)
    playable, _ = converted(
        make("-f", "lavfi", "-i", patch, *codec, form="mp4", picture=False, sound=False), tools, tmp_path
    )
    red, green, blue = (
        int(part) for part in first_frame(playable, tools, must_be_clean(playable, tools)["video"])[60, 80]
    )
    assert max(red, green, blue) - min(red, green, blue) <= 4
    assert 170 < green < 225


@pytest.mark.parametrize("curve", Curve)
def test_black_is_black_and_the_peak_is_white_whatever_the_curve(curve: Curve) -> None:
    top = 0.7518 if curve is Curve.PQ else 1.0  # 1,000 nits
    grey = to_screen(np.linspace(0, top, 40)[:, np.newaxis].repeat(3, axis=1), curve)
    assert grey[0].max() < 0.01
    assert grey[-1].min() > 0.98
    assert (np.diff(grey[:, 1]) >= 0).all()
    assert np.ptp(grey, axis=1).max() < 0.01
    red = to_screen(np.array([[0.5, 0.0, 0.0]]), curve)[0]
    assert red[0] > red[1] == red[2] == 0


@pytest.mark.parametrize(
    ("nominal", "average", "expected"),
    [
        ("30", "30", "30"), ("60", "60", "30"), ("60000/1001", "60000/1001", "30000/1001"), ("50", "50", "25"),
        ("24", "24", "24"), ("120", "30", "30"), ("1000", "29.83", "29.83"), ("90000", "0.01", "30"),
        ("33", "31", "30"),        ("30", "0.001", "30"), ("1/5", "1/5", "1/5"), ("0", "0", "30"), ("48", "48", "24"),
    ],
)  # fmt: skip
def test_the_rate_is_the_sources_or_an_even_share(nominal: str, average: str, expected: str) -> None:
    video = VideoStream("h264", 640, 360, frame_rate=Fraction(average), nominal_rate=Fraction(nominal))
    assert constant_rate(video) == Fraction(expected)


def test_hours_between_two_frames_are_no_bomb(make: Make, tools: Tools, tmp_path: Path) -> None:
    """Four frames, ten minutes: a fifth of an hour of copies is made in seconds, and no more than that."""
    gap = ("-vf", "setpts='if(lt(N,3),N/10,600)/TB'", "-fps_mode", "vfr", "-t", "700")
    video = make(*gap, form="mp4", size="64x48", rate="10", seconds=0.4, sound=False)
    playable, length = converted(video, tools, tmp_path)
    assert length == pytest.approx(600_100, abs=1000)
    assert count(video, tools=tools, scratch=tmp_path).odd_times  # so it isn't cut into pieces
    assert int(must_be_clean(playable, tools)["video"]["nb_frames"]) <= 30 * 601
    assert playable.stat().st_size < 2_000_000


def test_of_several_tracks_the_default_one_is_taken(make: Make, tools: Tools, tmp_path: Path) -> None:
    quiet, loud = ("-f", "lavfi", "-i", "anullsrc=r=48000:d=2"), ("-f", "lavfi", "-i", "sine=440:d=2")
    kept = ("-map", "0", "-map", "1", "-map", "2", "-disposition:a:0", "0", "-disposition:a:1", "default")
    cover = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10:d=2")
    both = make(*cover, *quiet, *loud, *kept, form="matroska", picture=False, sound=False)
    found = probe(both, tools=tools, scratch=tmp_path)
    assert found.audio is not None
    assert found.audio.index == 2
    sound = convert_sound(both, found, duration_ms=2000, out_dir=tmp_path, tools=tools, playable=False)
    assert sound.loudness_lufs is not None


def test_a_recording_cut_short_is_refused_by_its_length(studio: Studio, tools: Tools, tmp_path: Path) -> None:
    short = studio.cut(0.5)
    found, extent = probe(short, tools=tools, scratch=tmp_path), count(short, tools=tools, scratch=tmp_path)
    refusal = refuse_extent(found, extent, Allowed("video", 60_000, 1 << 30))
    assert refusal is not None
    assert refusal.code == "truncated"


def long_minutes() -> int:
    return int(os.environ.get("ASSAY_TEST_LONG_MINUTES", "2"))


def test_a_long_recording_is_joined_from_pieces(make: Make, tools: Tools, tmp_path: Path) -> None:
    """Two hours by hand: ASSAY_TEST_LONG_MINUTES=120."""
    minutes = long_minutes()
    video = make("-b:a", "32k", form="mp4", size="64x48", rate="2", seconds=60 * minutes)
    found, extent = probe(video, tools=tools, scratch=tmp_path), count(video, tools=tools, scratch=tmp_path)
    length = extent.duration_ms
    assert not extent.odd_times
    sound = convert_sound(video, found, duration_ms=length, out_dir=tmp_path, tools=tools, playable=True)
    told: list[float] = []
    made = [
        convert_piece(video, found, piece, duration_ms=length, out_dir=tmp_path, tools=tools, on_progress=told.append)
        for piece in pieces(length)
    ]
    assert len(made) == minutes
    assert 0.9 < max(told) <= 1
    playable = join(made, sound.playable, duration_ms=length, out_dir=tmp_path, tools=tools)
    assert check_rendition(playable, original=found, duration_ms=length, tools=tools, scratch=tmp_path) is None
    streams = must_be_clean(playable, tools)
    must_be_shown_everywhere(streams["video"])
    must_be_heard_everywhere(streams["audio"])
    assert int(streams["video"]["nb_frames"]) == 120 * minutes


@pytest.mark.parametrize("name", PREVIEWS)
def test_a_preview_is_the_original_in_a_clean_box(name: str, studio: Studio, tools: Tools, tmp_path: Path) -> None:
    form = PREVIEWS[name][-1]
    original, copy = studio.preview(name)
    assert (copy.suffix[1:] if copy else None) == form
    if copy is None:
        return
    found = probe(original, tools=tools, scratch=tmp_path)
    said = look(copy, tools)
    assert float(said["format"]["duration"]) == pytest.approx(2, abs=0.12)
    tags = [each.get("tags", {}) for each in (said["format"], *said["streams"])]
    assert not {name for each in tags for name in each} & {"title", "location", "creation_time"}, tags
    assert {each["encoder"] for each in tags if "encoder" in each} <= {"Lavf"}
    assert [stream["codec_name"] for stream in said["streams"]] == [
        each.codec for each in (found.video, found.audio) if each
    ]
