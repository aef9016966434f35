"""What the candidate can look at within seconds: the streams of the original in a clean box, not encoded again.

Only where a browser plays the codecs as they are. It is for its own candidate alone and goes when the playable is
there. A recording straight from a browser doesn't say how long it is and can't be searched: in its new box it can.
"""

from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from workers.media.fitting import curve_of
from workers.media.picture import source_of
from workers.media.probe import Probe, Unreadable
from workers.media.run import GLOBAL_OPTIONS, convert_limits, must_have_converted
from workers.media.sound import CLEAN
from workers.media.tools import Tools

LARGEST_BYTES = 1 << 30  # more takes longer to copy and to store than people wait
SHOWN_PIXELS = frozenset({"yuv420p", "yuvj420p"})


@dataclass(frozen=True, slots=True)
class Box:
    """A container with the codecs that browsers play in it."""

    name: str
    media_type: str
    pictures: frozenset[str]
    sounds: frozenset[str]


MP4 = Box("mp4", "video/mp4", frozenset({"h264"}), frozenset({"aac", "mp3", "opus"}))
WEBM = Box("webm", "video/webm", frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"}))


def box_for(probe: Probe) -> Box | None:
    """Return the container in which browsers play these streams as they are; None where they must be converted."""
    video, audio = probe.video, probe.audio
    if video is None or video.pixels not in SHOWN_PIXELS or curve_of(video) or video.is_interlaced:
        return None
    fit = (box for box in (MP4, WEBM) if video.codec in box.pictures and (not audio or audio.codec in box.sounds))
    return next(fit, None)


def copy_preview(path: Path, probe: Probe, box: Box, *, duration_ms: int, out_dir: Path, tools: Tools) -> Path | None:
    """Copy the streams into the box and return the file, or None where the original can't be copied like that.

    Raises `ToolFailed` and `Unavailable` for what is our fault.
    """
    result = out_dir / f"preview.{box.name}"
    limits = convert_limits(duration_ms)
    run = tools.sandbox.run(
        preview_command(path, probe, box, result, tools), reads=[path], out_dir=out_dir, limits=limits
    )
    try:
        must_have_converted(run)
    except Unreadable:
        return None  # the conversion, which follows, tells whether the file is damaged
    return result


def preview_command(path: Path, probe: Probe, box: Box, result: Path, tools: Tools) -> list[str]:
    """Return the call of ffmpeg that copies the streams into the box."""
    source = source_of(path)
    streams = [source[str(each.index)] for each in (probe.video, probe.audio) if each]
    settings = {**CLEAN, "c": "copy", "format": box.name}
    if box is MP4:
        settings |= {"movflags": "+faststart", "bsf:v": "filter_units=remove_types=6"}  # notes of the camera
    graph = ffmpeg.output(*streams, str(result), **settings).global_args(*GLOBAL_OPTIONS)
    return list(ffmpeg.compile(graph, cmd=str(tools.binaries.ffmpeg), overwrite_output=True))
