"""The second pass: the video that people play (H.264 and AAC in MP4, at most 720p) and its poster."""

import os
from collections.abc import Callable
from pathlib import Path

import ffmpeg

from workers.media.fitting import fitted
from workers.media.gate import DAMAGED
from workers.media.probe import INPUT_OPTIONS, Probe, Unreadable
from workers.media.run import GLOBAL_OPTIONS, TELL_PROGRESS, convert_limits, in_shares, must_have_converted
from workers.media.sandbox import Limits
from workers.media.sound import CLEAN, ON_TIME, PLAYABLE
from workers.media.tools import Tools

MOST_THREADS = 8
MOST_PIXELS = 9_437_184
ENCODING = {
    "vcodec": "libx264",
    "preset": "veryfast",
    "crf": 23,
    "pix_fmt": "yuv420p",
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
    "a53cc": 0,  # captions inside the picture are the source's words, not ours
    "fps_mode": "vfr",  # the filters set a constant rate; nothing is added behind them
    # A key frame every two seconds of time, whatever the frame rate: seeking to a moment must be quick.
    "force_key_frames": "expr:gte(t,n_forced*2)",
    "threads": min(MOST_THREADS, os.cpu_count() or 1),
}
POSTER_AT = 0.1  # of the length; a clip shorter than a second has a poster too
POSTER = {"format": "image2", "vcodec": "mjpeg", "vframes": 1, "q:v": 4, "update": 1, "pix_fmt": "yuvj420p"}
POSTER_LIMITS = Limits(cpu_seconds=30, wall_seconds=180, file_bytes=16 << 20)


def convert_picture(
    path: Path,
    probe: Probe,
    *,
    duration_ms: int,
    out_dir: Path,
    tools: Tools,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Make the playable MP4 in `out_dir` and return it; without sound in the original it has none either.

    `on_progress` gets a share from 0 to 1. Raises `Unreadable` for a damaged file, `ToolFailed` for our
    failures.
    """
    result = out_dir / "playable.mp4"
    run = tools.sandbox.run(
        picture_command(path, probe, result, tools, duration_ms=duration_ms),
        reads=[path],
        out_dir=out_dir,
        limits=convert_limits(duration_ms),
        on_progress=in_shares(on_progress, duration_ms),
        cancelled=cancelled,
    )
    must_have_converted(run)
    return result


def picture_command(path: Path, probe: Probe, result: Path, tools: Tools, *, duration_ms: int) -> list[str]:
    """Return the call of ffmpeg that makes the playable of a video."""
    if probe.video is None:
        raise ValueError("there is no picture to convert")
    source = source_of(path)
    streams = [fitted(source[str(probe.video.index)], probe.video, folder=result.parent)]
    if probe.audio:
        streams.append(source[str(probe.audio.index)].filter("aresample", **ON_TIME))
    settings = {
        **ENCODING,
        **(PLAYABLE if probe.audio else {}),
        **CLEAN,
        "format": "mp4",
        "movflags": "+faststart",
        "t": duration_ms / 1000 + 1,
    }
    graph = ffmpeg.output(*streams, str(result), **settings).global_args(*GLOBAL_OPTIONS, *TELL_PROGRESS)
    return list(ffmpeg.compile(graph, cmd=str(tools.binaries.ffmpeg), overwrite_output=True))


def source_of(path: Path, **options: object) -> "ffmpeg.Stream":
    """Return a file as the beginning of a graph, with the options that keep it harmless."""
    return ffmpeg.input(f"file:{path}", **INPUT_OPTIONS, max_pixels=MOST_PIXELS, sn=None, dn=None, **options)


def make_poster(playable: Path, *, duration_ms: int, out_dir: Path, tools: Tools) -> Path:
    """Take a still from the finished video at a tenth of its length and return the JPEG.

    Where there is no picture any more by then, only sound, it is the first one.
    """
    result = out_dir / "poster.jpg"
    for at_ms in (POSTER_AT * duration_ms, 0):
        command = poster_command(playable, result, tools, at_ms=at_ms)
        must_have_converted(tools.sandbox.run(command, reads=[playable], out_dir=out_dir, limits=POSTER_LIMITS))
        if result.exists():
            return result
    raise Unreadable(DAMAGED.message, code=DAMAGED.code)


def poster_command(playable: Path, result: Path, tools: Tools, *, at_ms: float) -> list[str]:
    """Return the call of ffmpeg that takes a still."""
    source = ffmpeg.input(f"file:{playable}", **INPUT_OPTIONS, ss=at_ms / 1000)
    graph = ffmpeg.output(source["v:0"], str(result), **POSTER, **CLEAN).global_args(*GLOBAL_OPTIONS)
    return list(ffmpeg.compile(graph, cmd=str(tools.binaries.ffmpeg), overwrite_output=True))
