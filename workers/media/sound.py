"""The first pass over a recording: its sound. Cheap (0.4 s a minute), so that transcription starts at once.

One graph makes the speech WAV, the measurements and, for sound recordings, what people play.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from workers.media.levels import RATE_HZ, Levels, measure_levels
from workers.media.probe import INPUT_OPTIONS, AudioStream, Probe
from workers.media.run import GLOBAL_OPTIONS, TELL_PROGRESS, convert_limits, in_shares, must_have_converted
from workers.media.tools import Tools

SPEECH_RATE_HZ = 16_000
SOUND = "playable.m4a"
# Evens out loud and quiet speakers before speech recognition: word errors 0.486 -> 0.050
# (media-speech-s3.md C).
EVEN_OUT = {"f": 250, "g": 15, "m": 100, "p": 0.8}
# Sound that begins late, or has gaps (a recorder that dropped out), is filled with silence. Without it every time
# in a transcript and every moment after the gap would be wrong: a WAV knows no times.
ON_TIME = {"async": 1, "first_pts": 0}
PLAYABLE = {"acodec": "aac", "audio_bitrate": "96k", "ac": 2, "ar": 48_000}
CLEAN = {"map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact"}  # bitexact: not even the writer's name


@dataclass(frozen=True, slots=True)
class Sound:
    """What the first pass made. `loudness_lufs` is None where there is nothing to measure (EBU R 128)."""

    speech_wav: Path
    playable: Path | None
    levels: Levels
    loudness_lufs: float | None


def convert_sound(
    path: Path,
    probe: Probe,
    *,
    duration_ms: int,
    out_dir: Path,
    tools: Tools,
    playable: bool,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Sound:
    """Make the speech WAV and the measurements in `out_dir`; with `playable`, also the M4A that people hear.

    `on_progress` gets a share from 0 to 1. Raises `Unreadable` for a damaged file, `ToolFailed` for our
    failures.
    """
    if probe.audio is None:
        raise ValueError("there is no sound to convert")
    wav, samples, m4a = (out_dir / name for name in ("speech.wav", "samples.raw", SOUND))
    command = sound_command(
        path, probe.audio, (wav, samples, m4a if playable else None), tools, duration_ms=duration_ms
    )
    run = tools.sandbox.run(
        command,
        reads=[path],
        out_dir=out_dir,
        limits=convert_limits(duration_ms),
        on_progress=in_shares(on_progress, duration_ms),
        cancelled=cancelled,
    )
    must_have_converted(run)
    levels = measure_levels(samples)
    samples.unlink()
    return Sound(wav, m4a if playable else None, levels, _loudness(run.stderr))


def sound_command(
    path: Path, audio: AudioStream, outputs: tuple[Path, Path, Path | None], tools: Tools, *, duration_ms: int
) -> list[str]:
    """Return the call of ffmpeg that makes all outputs: speech WAV, samples to measure, and what people play."""
    wav, samples, m4a = outputs
    sound = ffmpeg.input(f"file:{path}", **INPUT_OPTIONS, vn=None, sn=None, dn=None)[str(audio.index)]
    seconds = duration_ms / 1000 + 1
    parts = sound.filter("aresample", **ON_TIME).filter_multi_output("asplit", outputs=4 if m4a else 3)
    speech = parts[0].filter("dynaudnorm", **EVEN_OUT).filter("aresample", SPEECH_RATE_HZ)
    measured = parts[1].filter("ebur128", peak="none", framelog="verbose")  # 5.1 knows no "quiet"
    streams = [
        ffmpeg.output(speech, str(wav), format="wav", acodec="pcm_s16le", ac=1, t=seconds, **CLEAN),
        ffmpeg.output(measured, "-", format="null", t=seconds),
        ffmpeg.output(parts[2], str(samples), format="s16le", ac=1, ar=RATE_HZ, t=seconds),
    ]
    if m4a:
        playable = {**PLAYABLE, **CLEAN, "format": "mp4", "movflags": "+faststart", "t": seconds}
        streams.append(ffmpeg.output(parts[3], str(m4a), **playable))
    graph = ffmpeg.merge_outputs(*streams).global_args(*GLOBAL_OPTIONS, *TELL_PROGRESS)
    return list(ffmpeg.compile(graph, cmd=str(tools.binaries.ffmpeg), overwrite_output=True))


def _loudness(stderr: str) -> float | None:
    """Read the integrated loudness from ebur128's summary; -70 is its word for nothing heard."""
    found = re.findall(r"^\s+I:\s+(-?[\d.]+) LUFS", stderr, flags=re.MULTILINE)
    return float(found[-1]) if found and float(found[-1]) > -70 else None  # noqa: PLR2004 - ITU-R BS.1770 gate
