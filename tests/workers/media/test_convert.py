"""What people get to hear and see: right length, right size, nothing of the source's private facts."""

import json
import subprocess
import wave
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.conftest import Make, sample
from workers.media.check import check_rendition, refuse_rendition
from workers.media.gate import DAMAGED
from workers.media.levels import measure_levels
from workers.media.picture import convert_picture, make_poster
from workers.media.pieces import convert_piece, join, pieces
from workers.media.probe import Extent, Probe, ToolFailed, count, probe
from workers.media.sound import Sound, convert_sound
from workers.media.tools import Tools


def looked_into(path: Path, tools: Tools, scratch: Path) -> tuple[Probe, Extent]:
    return probe(path, tools=tools, scratch=scratch), count(path, tools=tools, scratch=scratch)


def heard(path: Path, tools: Tools, out: Path, *, playable: bool = True) -> Sound:
    found, extent = looked_into(path, tools, out)
    return convert_sound(path, found, duration_ms=extent.duration_ms, out_dir=out, tools=tools, playable=playable)


def seen(path: Path, tools: Tools, out: Path) -> tuple[Path, Probe]:
    found, extent = looked_into(path, tools, out)
    made = convert_picture(path, found, duration_ms=extent.duration_ms, out_dir=out, tools=tools)
    wrong = check_rendition(made, original=found, duration_ms=extent.duration_ms, tools=tools, scratch=out)
    assert wrong is None
    return made, probe(made, tools=tools, scratch=out)


def test_a_browser_recording_is_measured_although_it_does_not_say_its_length(
    good_webm: Path, tools: Tools, tmp_path: Path
) -> None:
    found, extent = looked_into(good_webm, tools, tmp_path)
    assert found.declared_ms is None
    assert extent.duration_ms == pytest.approx(3000, abs=60)


@pytest.mark.parametrize("name", ["en-fleurs-1.flac", "ar-numbers-1to6.flac"])
def test_sound_becomes_speech_playable_and_levels(name: str, tools: Tools, tmp_path: Path) -> None:
    sound = heard(sample(name), tools, tmp_path)
    extent = count(sample(name), tools=tools, scratch=tmp_path)
    with wave.open(str(sound.speech_wav)) as speech:
        assert (speech.getframerate(), speech.getnchannels(), speech.getsampwidth()) == (16_000, 1, 2)
        assert speech.getnframes() / 16 == pytest.approx(extent.duration_ms, abs=50)
    assert sound.playable is not None
    made, length = looked_into(sound.playable, tools, tmp_path)
    assert made.audio is not None
    assert (made.audio.codec, made.audio.sample_rate_hz) == ("aac", 48_000)
    assert (
        refuse_rendition(
            probe(sample(name), tools=tools, scratch=tmp_path), made, length, duration_ms=extent.duration_ms
        )
        is None
    )
    assert max(sound.levels.peaks) == 100
    assert sound.levels.duration_ms == pytest.approx(extent.duration_ms, abs=100)
    assert sound.loudness_lufs is not None
    assert -30 < sound.loudness_lufs < -10
    assert not (tmp_path / "samples.raw").exists()


def test_a_quiet_speaker_is_raised_for_recognition_but_not_taken_for_silence(tools: Tools, tmp_path: Path) -> None:
    sound = heard(sample("en-fleurs-2-very-quiet.flac"), tools, tmp_path)
    assert sound.loudness_lufs is not None
    assert sound.loudness_lufs < -60
    assert sound.levels.silences == ()
    with wave.open(str(sound.speech_wav)) as speech:
        samples = memoryview(speech.readframes(speech.getnframes())).cast("h")
    assert max(map(abs, samples)) > 3_000  # the original stays under 120


def test_pauses_are_found(make: Make, tools: Tools, tmp_path: Path) -> None:
    muted = "volume=0:enable='between(t,2,5)'"
    sound = heard(make("-af", muted, form="wav", picture=False, seconds=7), tools, tmp_path, playable=False)
    (pause,) = sound.levels.silences
    assert (pause.start_ms, pause.end_ms) == (pytest.approx(2000, abs=100), pytest.approx(5000, abs=100))
    assert sound.playable is None


def test_an_hour_of_levels_is_a_thousand_bars(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.write_bytes(b"\x10\x20" * 8_000 * 600)
    levels = measure_levels(samples)
    assert 500 < len(levels.peaks) <= 1_000
    assert len(levels.peaks) * levels.bucket_ms == pytest.approx(600_000, rel=0.01)


def test_silence_alone_has_no_loudness(tools: Tools, make: Make, tmp_path: Path) -> None:
    sound = heard(make("-af", "volume=0", form="wav", picture=False), tools, tmp_path)
    assert sound.loudness_lufs is None
    assert set(sound.levels.peaks) == {0}
    assert len(sound.levels.silences) == 1


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        ((), "640x360", (640, 360)),
        ((), "1920x1080", (1280, 720)),
        ((), "720x1280", (720, 1280)),
        ((), "1080x1920", (720, 1280)),
        (("-pix_fmt", "yuv444p"), "639x359", (638, 358)),
        (("-vf", "setsar=2"), "320x240", (640, 240)),
    ],
)
def test_a_picture_fits_the_box_is_even_and_never_grows(
    options: tuple[str, ...], size: str, expected: tuple[int, int], make: Make, tools: Tools, tmp_path: Path
) -> None:
    _, made = seen(make(*options, form="mp4", size=size, rate="10", seconds=1), tools, tmp_path)
    assert made.video is not None
    assert (made.video.width, made.video.height, made.video.shape, made.video.codec) == (*expected, 1, "h264")


def test_a_phone_held_upright_is_turned(make: Make, tools: Tools, tmp_path: Path) -> None:
    flat = make(form="mp4", size="640x360", rate="10", seconds=1)
    turned = tmp_path / "turned"
    command = [
        tools.binaries.ffmpeg,
        "-v",
        "error",
        "-display_rotation",
        "90",
        "-i",
        flat,
        "-c",
        "copy",
        "-f",
        "mp4",
        turned,
    ]
    subprocess.run(command, check=True, timeout=30)
    original = probe(turned, tools=tools, scratch=tmp_path)
    assert original.video is not None
    assert original.video.upright_size == (360, 640)
    _, made = seen(turned, tools, tmp_path)
    assert made.video is not None
    assert (made.video.width, made.video.height, made.video.rotation) == (360, 640, 0)


def test_slow_motion_is_brought_to_thirty_frames_and_a_slide_show_keeps_its_few(
    make: Make, tools: Tools, tmp_path: Path
) -> None:
    fast = make(form="mp4", size="320x240", rate="120", seconds=2)
    made, _ = seen(fast, tools, tmp_path)
    assert count(made, tools=tools, scratch=tmp_path).video_packets == pytest.approx(60, abs=2)
    slides = make(form="mp4", size="320x240", rate="1/5", seconds=20, sound=False)
    made, _ = seen(slides, tools, tmp_path)
    assert count(made, tools=tools, scratch=tmp_path).video_packets == 4


def test_a_silent_video_stays_silent(make: Make, tools: Tools, tmp_path: Path) -> None:
    _, made = seen(make(form="mov", seconds=1, sound=False), tools, tmp_path)
    assert made.audio is None


def test_renditions_carry_nothing_of_the_source_but_its_picture_and_sound(
    good_mp4: Path, tools: Tools, tmp_path: Path
) -> None:
    made, _ = seen(good_mp4, tools, tmp_path)
    shown = subprocess.run(
        [tools.binaries.ffprobe, "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", made],
        check=True,
        capture_output=True,
        timeout=20,
    ).stdout
    assert b"Who I am" not in shown
    assert json.loads(shown)["chapters"] == []
    assert b"moov" in made.read_bytes()[:100_000].split(b"mdat")[0]  # the index comes first: it plays while it loads


def test_the_poster_is_a_still_of_the_video(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    made, _ = seen(good_mp4, tools, tmp_path)
    poster = make_poster(made, duration_ms=4000, out_dir=tmp_path, tools=tools)
    assert poster.read_bytes()[:3] == b"\xff\xd8\xff"
    short = make_poster(made, duration_ms=300, out_dir=tmp_path, tools=tools)
    assert short.stat().st_size > 1000


def test_a_picture_that_ends_before_its_sound_has_a_poster_too(make: Make, tools: Tools, tmp_path: Path) -> None:
    talk = make("-frames:v", "1", form="mp4", seconds=4)
    poster = make_poster(talk, duration_ms=4000, out_dir=tmp_path, tools=tools)
    assert poster.read_bytes()[:3] == b"\xff\xd8\xff"


def test_progress_rises_to_one(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    told: list[float] = []
    found, extent = looked_into(good_mp4, tools, tmp_path)
    convert_picture(
        good_mp4, found, duration_ms=extent.duration_ms, out_dir=tmp_path, tools=tools, on_progress=told.append
    )
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1


def test_a_rendition_that_lost_its_half_gives_the_damage_away(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    found, extent = looked_into(good_mp4, tools, tmp_path)
    assert refuse_rendition(found, found, extent, duration_ms=4_000) is None
    assert refuse_rendition(found, found, extent, duration_ms=8_000) is DAMAGED
    assert refuse_rendition(found, found, Extent(4_000, 0, 170), duration_ms=4_000) is DAMAGED
    assert refuse_rendition(found, found, Extent(4_000, 100, 0), duration_ms=4_000) is DAMAGED


def test_a_cover_in_a_song_is_no_picture(tools: Tools, make: Make, tmp_path: Path) -> None:
    song, cover = make(form="mp3", picture=False), tmp_path / "cover.jpg"
    base = [tools.binaries.ffmpeg, "-v", "error", "-y"]
    subprocess.run([*base, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", cover], check=True, timeout=20)
    covered = tmp_path / "covered"
    subprocess.run(
        [
            *base,
            "-i",
            song,
            "-i",
            cover,
            "-map",
            "0",
            "-map",
            "1",
            "-c",
            "copy",
            "-disposition:v",
            "attached_pic",
            "-f",
            "mp3",
            covered,
        ],
        check=True,
        timeout=20,
    )
    found = probe(covered, tools=tools, scratch=tmp_path)
    assert found.video is None
    assert found.audio is not None
    assert found.audio.codec == "mp3"


@pytest.mark.parametrize("cause", ["late", "gap"])
def test_times_stay_true_when_the_sound_begins_late_or_drops_out(
    cause: str, make: Make, tools: Tools, tmp_path: Path
) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=6")
    tone = "aevalsrc=0.5*sin(440*2*PI*t):d={seconds}"
    late = ("-itsoffset", "2", "-f", "lavfi", "-i", tone.format(seconds=4))
    gap = ("-f", "lavfi", "-i", tone.format(seconds=6), "-af", "aselect='lt(t,2)+gt(t,5)'")
    odd = make(
        *picture, *(late if cause == "late" else gap), "-c:a", "pcm_s16le", form="matroska", picture=False, sound=False
    )
    sound = heard(odd, tools, tmp_path, playable=False)
    with wave.open(str(sound.speech_wav)) as speech:
        assert speech.getnframes() / 16_000 == pytest.approx(6, abs=0.1)
    (pause,) = sound.levels.silences
    expected = (0, 2000) if cause == "late" else (2000, 5000)
    assert (pause.start_ms, pause.end_ms) == (pytest.approx(expected[0], abs=100), pytest.approx(expected[1], abs=100))
    made, _ = seen(odd, tools, tmp_path)
    again = heard(made, tools, tmp_path, playable=False)
    assert again.levels.silences[0].end_ms == pytest.approx(expected[1], abs=120)


@pytest.mark.parametrize("rate", ["25", "30000/1001"])
def test_pieces_joined_are_the_whole_frame_for_frame(rate: str, make: Make, tools: Tools, tmp_path: Path) -> None:
    video = make("-g", "250", "-ar", "8000", form="mp4", size="64x48", rate=rate, seconds=135.3)
    found, extent = looked_into(video, tools, tmp_path)
    cut = pieces(extent.duration_ms)
    assert [(piece.start_s, piece.end_s) for piece in cut] == [(0, 60), (60, 120), (120, None)]
    sound = heard(video, tools, tmp_path).playable
    made = [
        convert_piece(video, found, piece, duration_ms=extent.duration_ms, out_dir=tmp_path, tools=tools)
        for piece in cut
    ]
    whole = join(made, sound, duration_ms=extent.duration_ms, out_dir=tmp_path, tools=tools)
    joined, length = looked_into(whole, tools, tmp_path)
    assert length.video_packets == extent.video_packets
    assert refuse_rendition(found, joined, length, duration_ms=extent.duration_ms) is None
    assert shown_at(whole, tools) == pytest.approx(shown_at(video, tools), abs=0.02)


def test_pieces_that_can_not_be_joined_are_no_fault_of_the_recording(tools: Tools, tmp_path: Path) -> None:
    torn = tmp_path / "piece-0000.ts"
    torn.write_bytes(b"no piece of ours")
    with pytest.raises(ToolFailed):
        join([torn], None, duration_ms=60_000, out_dir=tmp_path, tools=tools)


def shown_at(path: Path, tools: Tools) -> list[float]:
    """Return when each frame is shown, in seconds."""
    asked = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]
    said = subprocess.run(
        [tools.binaries.ffprobe, *asked, path], check=True, capture_output=True, text=True, timeout=60
    )
    return sorted(float(line.strip(",")) for line in said.stdout.split())


@given(st.integers(0, 10_000_000))
def test_pieces_cover_every_second_once(duration_ms: int) -> None:
    cut = pieces(duration_ms)
    assert cut[0].start_s == 0
    assert cut[-1].end_s is None
    assert all(before.end_s == after.start_s for before, after in pairwise(cut))
    assert sum(piece.length_ms(of_ms=duration_ms) for piece in cut) == duration_ms
    assert all(piece.length_ms(of_ms=duration_ms) >= 10_000 for piece in cut[1:])
