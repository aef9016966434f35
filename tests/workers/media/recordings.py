"""The set of recordings that people send, each made and converted once for all tests that look at it."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.workers.conftest import Make
from workers.media.check import check_rendition
from workers.media.gate import Allowed, refuse_extent, refuse_streams
from workers.media.picture import convert_picture
from workers.media.preview import box_for, copy_preview
from workers.media.probe import count, probe
from workers.media.sound import convert_sound
from workers.media.tools import Tools

PQ = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=0"
HLG = "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:log-level=0"
PRIVATE = ("-metadata", "location=+24.47+54.37/", "-metadata", "creation_time=2026-11-24T10:00:00Z")
NAMED = (*PRIVATE, "-metadata", "title=Who I am", "-metadata:s:v", "handler_name=My phone")
INTERLACED = ("-vf", "interlace", "-flags", "+ildct+ilme", "-c:v", "mpeg2video")
TEN_BIT = ("-pix_fmt", "yuv420p10le")


@dataclass(frozen=True)
class Case:
    """A recording: how it is made, and what must become of it. `frames` is what its constant rate gives."""

    form: str
    options: tuple[str, ...] = ()
    size: str = "160x120"
    becomes: tuple[int, int] = (160, 120)
    rate: str = "10"
    frames: int = 20
    seconds: float = 2
    sound: bool = True


CASES = {
    "h264": Case("mov", NAMED),
    "h264 10 bit": Case("mp4", ("-c:v", "libx264", "-preset", "ultrafast", *TEN_BIT)),
    "h264 4:4:4, full range": Case("mp4", ("-pix_fmt", "yuvj444p")),
    "hevc": Case("mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0")),
    "hevc 10 bit": Case("mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0", *TEN_BIT)),
    "hevc hdr pq": Case("mp4", ("-c:v", "libx265", "-preset", "ultrafast", *TEN_BIT, "-x265-params", PQ)),
    "hevc hdr hlg": Case("mov", ("-c:v", "libx265", "-preset", "ultrafast", *TEN_BIT, "-x265-params", HLG)),
    "vp8, no length": Case("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-live", "1"), frames=20),
    "vp9": Case("webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
    "old avi": Case("avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-c:a", "pcm_s16le")),
    "upright": Case("mp4", size="120x160", becomes=(120, 160)),
    "odd sides": Case("mp4", ("-pix_fmt", "yuv444p"), size="161x121"),
    "wide points": Case("mp4", ("-vf", "setsar=4/3"), becomes=(212, 120)),
    "sixty frames": Case("mp4", rate="60", frames=60),
    "fifty frames": Case("mp4", rate="50", frames=50),
    "one second": Case("mp4", seconds=1, frames=10),
    "no sound": Case("mp4", sound=False),
    "silence": Case("mp4", ("-af", "volume=0")),
    "surround": Case("mp4", ("-af", "pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0", "-c:a", "aac")),
    "interlaced": Case("mpegts", INTERLACED, rate="50", frames=50),
    "gaps": Case("mp4", ("-vf", "select='lt(mod(n,10),4)'", "-fps_mode", "vfr"), rate="20", frames=34),
}
# Where the ffmpeg decodes it.
AV1 = Case("mp4", ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=2"), seconds=1, frames=10)
SOUNDS = {
    "mp3": ("mp3", ()),
    "m4a": ("mp4", ("-c:a", "aac", *PRIVATE)),
    "opus": ("ogg", ("-c:a", "libopus")),
    "flac": ("flac", ()),
    "wav": ("wav", ()),
    "surround": ("flac", ("-ac", "6")),
    "telephone": ("wav", ("-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw")),
}
CORNERS = {"90": (-1, 0), "-90": (0, -1), "180": (-1, -1)}  # row and column of the first corner, when turned
PREVIEWS = {
    "h264 and aac": ("mov", NAMED, "mp4"),
    "h264 and mp3": ("matroska", ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "libmp3lame"), "mp4"),
    "vp8 as a browser records it": ("webm", ("-c:v", "libvpx", "-deadline", "realtime", "-live", "1"), "webm"),
    "vp9": ("matroska", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"), "webm"),
    "hevc": ("mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0"), None),
    "10 bit": ("mp4", ("-c:v", "libx264", "-preset", "ultrafast", *TEN_BIT), None),
    "pcm": ("mov", ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le"), None),
}  # fmt: skip


def converted(path: Path, tools: Tools, out: Path) -> tuple[Path, int]:
    """Do what a job does; return the playable and the length in ms."""
    found, extent = probe(path, tools=tools, scratch=out), count(path, tools=tools, scratch=out)
    allowed = Allowed("video" if found.video else "audio", 7_200_000, 1 << 30)
    assert refuse_streams(found, allowed) is None
    assert refuse_extent(found, extent, allowed) is None
    length = extent.duration_ms
    made = None
    if found.audio:
        made = convert_sound(path, found, duration_ms=length, out_dir=out, tools=tools, playable=found.video is None)
    playable = made.playable if made else None
    if found.video:
        playable = convert_picture(path, found, duration_ms=length, out_dir=out, tools=tools)
    assert playable is not None
    assert check_rendition(playable, original=found, duration_ms=length, tools=tools, scratch=out) is None
    return playable, length


def remade(original: Path, tools: Tools, *before: str, after: tuple[str, ...], form: str) -> Path:
    """Wrap a recording anew."""
    result = original.with_name(f"{original.name}-{form}")
    command = [tools.binaries.ffmpeg, "-v", "error", "-y", *before, "-i", original, *after, "-f", form, result]
    subprocess.run(command, check=True, timeout=30)
    return result


@dataclass(frozen=True)
class Shown:
    """What is shown of a recording, how long it is, and the folder where it was made."""

    original: Path
    file: Path
    length_ms: int
    folder: Path


class Studio:
    """Makes each recording of the set, and what becomes of it, once."""

    def __init__(self, make: Make, tools: Tools, folder: Path) -> None:
        self._make, self._tools, self._folder = make, tools, folder
        self.video, self.sound, self.turned = cache(self._video), cache(self._sound), cache(self._turned)
        self.preview, self.cut = cache(self._preview), cache(self._cut)

    def shown(self, original: Path) -> Shown:
        """Convert a recording."""
        out = self._room()
        file, length_ms = converted(original, self._tools, out)
        return Shown(original, file, length_ms, out)

    def _room(self) -> Path:
        room = self._folder / str(len(list(self._folder.iterdir())))
        room.mkdir()
        return room

    def _video(self, name: str) -> Shown:
        case = {**CASES, "av1": AV1}[name]
        more = {"size": case.size, "rate": case.rate, "seconds": case.seconds, "sound": case.sound}
        return self.shown(self._make(*case.options, form=case.form, **more))

    def _sound(self, name: str) -> Shown:
        form, options = SOUNDS[name]
        return self.shown(self._make(*options, form=form, picture=False, seconds=2))

    def _turned(self, degrees: str) -> Shown:
        """A red patch in the first corner shows where that corner went: degrees count against the clock."""
        patch = ("-vf", "drawbox=w=40:h=40:color=red:t=fill")
        flat = self._make(*patch, form="mp4", size="160x120", rate="10", seconds=1)
        return self.shown(remade(flat, self._tools, "-display_rotation", degrees, after=("-c", "copy"), form="mov"))

    def _preview(self, name: str) -> tuple[Path, Path | None]:
        """Return an original and its stream copy, None where browsers don't play it as it is."""
        form, options, _ = PREVIEWS[name]
        original = self._make("-pix_fmt", "yuv420p", *options, form=form, size="160x120", rate="10", seconds=2)
        room = self._room()
        found = probe(original, tools=self._tools, scratch=room)
        box = box_for(found)
        return original, box and copy_preview(original, found, box, duration_ms=2000, out_dir=room, tools=self._tools)

    def _cut(self, share: float) -> Path:
        """Return a recording of eight seconds of which only this share arrived."""
        whole = self._make("-movflags", "+faststart", form="mp4", size="160x120", seconds=8)
        short = self._room() / "short"
        short.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
        return short
