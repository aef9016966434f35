"""Recordings for the demonstration: short clips of real voices, joined with pauses until they are long enough.

The clips say what they say; only their length and form are made to fit the rubrics of the demonstration.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from app.errors import Unavailable

PAUSE_SECONDS = 1.5
TIMEOUT_SECONDS = 300
SAMPLE_RATE = 16_000
LONGEST_ROUND_SECONDS = 120
SAMPLES = Path(str(files("app.demo"))) / "samples"

# Slow clouds of colour with the voice drawn across them: a picture that ffmpeg makes by itself.
BACKGROUND = "gradients=size=960x540:rate=12:speed=0.012:c0=0x143642:c1=0x2a6f6b:c2=0x0f1f3d"
WAVES = "showwaves=size=960x220:mode=cline:rate=12:colors=0xe8f1ef,format=rgba"


@dataclass(frozen=True, slots=True)
class Recording:
    """What to make: the clips of one round, repeated up to `seconds`; with a picture or sound alone."""

    name: str
    clips: tuple[str, ...]
    seconds: int
    media_type: str

    @property
    def kind(self) -> str:
        """The kind of evidence, as the API names it."""
        return self.media_type.partition("/")[0]


def make(recording: Recording, *, ffmpeg: Path, folder: Path) -> Path:
    """Make the file unless it is there already, and return it. Raises Unavailable with what ffmpeg said."""
    target = folder / recording.name
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_stem(f"unfinished-{target.stem}")
    command = [str(ffmpeg), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *_arguments(recording)]
    done = subprocess.run(
        [*command, str(unfinished)], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    if done.returncode != 0:
        raise Unavailable(f"ffmpeg could not make {recording.name}: {done.stderr.strip()[-400:]}")
    return unfinished.replace(target)


def _arguments(recording: Recording) -> list[str]:
    inputs = [argument for clip in recording.clips for argument in ("-i", str(SAMPLES / clip))]
    voice = _voice(len(recording.clips))
    length = ["-t", str(recording.seconds), "-map_metadata", "-1"]
    if recording.kind == "audio":
        return [*inputs, "-filter_complex", f"{voice}[voice]", "-map", "[voice]", *_sound(recording), *length]
    graph = f"{voice},asplit[voice][seen];[seen]{WAVES}[waves];{BACKGROUND}[back];[back][waves]overlay=0:160[picture]"
    picture = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-pix_fmt", "yuv420p"]
    mapped = ["-map", "[picture]", "-map", "[voice]"]
    return [*inputs, "-filter_complex", graph, *mapped, *picture, *_sound(recording), *length]


def _voice(count: int) -> str:
    """Return the filter that joins the clips, each followed by a pause, and begins anew at the end."""
    padded = "".join(f"[{n}:a]aresample={SAMPLE_RATE},apad=pad_dur={PAUSE_SECONDS}[a{n}];" for n in range(count))
    joined = "".join(f"[a{n}]" for n in range(count))
    return f"{padded}{joined}concat=n={count}:v=0:a=1,aloop=loop=-1:size={SAMPLE_RATE * LONGEST_ROUND_SECONDS}"


def _sound(recording: Recording) -> Sequence[str]:
    return ("-c:a", "flac") if recording.name.endswith(".flac") else ("-c:a", "aac", "-b:a", "64k")
