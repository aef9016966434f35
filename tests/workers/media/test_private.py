"""A file says more than it shows: where and with what it was made, and by whom. Nobody but its maker ever sees that."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.conftest import Make
from tests.workers.media.recordings import Studio, remade
from tests.workers.media.test_set import look, must_be_clean
from workers.media.picture import make_poster
from workers.media.pieces import convert_piece, join, pieces
from workers.media.preview import box_for, copy_preview
from workers.media.probe import probe
from workers.media.sound import convert_sound
from workers.media.tools import Tools

SECRET = "zz-private-zz"
PLACE = "+24.4539+054.3773/"
EVERYWHERE = ("title", "artist", "make", "model", "comment", "location", "creation_time", "copyright", "encoded_by")
APPLE = ("com.apple.quicktime.location.ISO6709", "com.apple.quicktime.model", "com.apple.quicktime.author")
NOTES = "086f3693-b7b3-4f2c-9653-21492feee5b8+" + SECRET  # cameras put notes into the picture itself (SEI)
CHAPTERS = f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=2\ntitle={SECRET}\n"
WORDS = f"1\n00:00:00,000 --> 00:00:02,000\n{SECRET}\n"


def said(name: str) -> str:
    return {"location": PLACE, "creation_time": "2026-11-24T10:00:00Z", APPLE[0]: PLACE}.get(name, SECRET)


def tags(names: tuple[str, ...]) -> list[str]:
    """Return the options that write them on the file and on each of its tracks."""
    each = [word for name in names for word in ("-metadata", f"{name}={said(name)}")]
    return [*each, "-metadata:s", f"title={SECRET}", "-metadata:s", f"handler_name={SECRET}"]


def with_everything(make: Make, tools: Tools, folder: Path, form: str) -> Path:
    """Make a recording that tells all that its container can hold."""
    plain = make("-bsf:v", f"h264_metadata=sei_user_data={NOTES}", form="mp4", size="160x120", rate="10", seconds=2)
    chapters, words, attached = folder / "chapters", folder / "words.srt", folder / "attached.txt"
    chapters.write_text(CHAPTERS)
    words.write_text(WORDS)
    attached.write_text(SECRET)
    before = ["-f", "ffmetadata", "-i", str(chapters), "-f", "srt", "-i", str(words)]
    mapped = ["-map", "2", "-map", "1", "-map_metadata", "0", "-map_chapters", "0", "-c", "copy"]
    own = {
        "matroska": [
            "-c:s",
            "srt",
            "-attach",
            str(attached),
            "-metadata:s:t",
            "mimetype=text/plain",
            *tags(EVERYWHERE),
        ],
        "mov": ["-c:s", "mov_text", "-timecode", "10:11:12:00", "-movflags", "use_metadata_tags"],
    }[form]
    more = tags((*EVERYWHERE, *APPLE)) if form == "mov" else []
    return remade(plain, tools, *before, after=(*mapped, *own, *more), form=form)


def shown(original: Path, studio: Studio, tools: Tools, folder: Path) -> Iterator[tuple[str, Path]]:
    """Make all that people may ever see or hear of it."""
    made = studio.shown(original)
    yield "playable", made.file
    yield "poster", make_poster(made.file, duration_ms=made.length_ms, out_dir=made.folder, tools=tools)
    found = probe(original, tools=tools, scratch=folder)
    if box := box_for(found):
        preview = copy_preview(original, found, box, duration_ms=made.length_ms, out_dir=made.folder, tools=tools)
        assert preview is not None
        yield "preview", preview
    sound = convert_sound(original, found, duration_ms=made.length_ms, out_dir=folder, tools=tools, playable=True)
    yield "speech", sound.speech_wav
    assert sound.playable is not None
    yield "sound", sound.playable
    parts = [
        convert_piece(original, found, piece, duration_ms=made.length_ms, out_dir=folder, tools=tools)
        for piece in pieces(made.length_ms)
    ]
    yield "joined", join(parts, sound.playable, duration_ms=made.length_ms, out_dir=folder, tools=tools)


@pytest.mark.parametrize("form", ["matroska", "mov"])
def test_nothing_that_a_file_says_of_its_maker_goes_on(
    form: str, make: Make, studio: Studio, tools: Tools, tmp_path: Path
) -> None:
    original = with_everything(make, tools, tmp_path, form)
    told = look(original, tools)
    kinds = {stream["codec_type"] for stream in told["streams"]}
    assert kinds == {"video", "audio", "subtitle", {"matroska": "attachment", "mov": "data"}[form]}
    assert len(told["chapters"]) == 1
    assert original.read_bytes().count(SECRET.encode()) > len(EVERYWHERE)
    for name, file in shown(original, studio, tools, tmp_path):
        content = file.read_bytes()
        for word in (SECRET, PLACE, "2026-11-24", "tmcd", "10:11:12"):
            assert word.encode() not in content, (name, word)
        if name in {"playable", "sound", "joined"}:
            assert set(must_be_clean(file, tools)) <= {"video", "audio"}, name


def captioned(make: Make, tools: Tools, folder: Path) -> Path:
    """Make a broadcast with captions inside its picture (ATSC A/53): each frame holds the two letters of one word."""
    plain = make("-c:v", "mpeg2video", form="mpeg2video", size="160x120", rate="25", seconds=1, sound=False)
    word, first_slice = b"\0\0\1\xb2GA94\x03\xc1\xff\xfc\xd3\xc8\xff", b"\0\0\1\x01"
    raw = folder / "captioned"
    raw.write_bytes(plain.read_bytes().replace(first_slice, word + first_slice))
    assert raw.stat().st_size == plain.stat().st_size + 25 * len(word)
    return remade(raw, tools, "-f", "mpegvideo", after=("-c", "copy", "-bsf:v", "setts=ts=N/25/TB"), form="mpegts")


def test_captions_inside_the_picture_do_not_go_on(make: Make, studio: Studio, tools: Tools, tmp_path: Path) -> None:
    original = captioned(make, tools, tmp_path)
    asked = ("-v", "error", "-show_entries", "frame_side_data=side_data_type", "-of", "csv=p=0", original)
    seen = subprocess.run([tools.binaries.ffprobe, *asked], check=True, capture_output=True, text=True, timeout=20)
    assert "Closed Captions" in seen.stdout
    assert b"GA94" not in studio.shown(original).file.read_bytes()
