"""Recordings for journeys: real voices of the samples, joined and changed so that no file equals one in the package."""

import subprocess
import tempfile
from pathlib import Path

from app.demo.recordings import SAMPLES
from workers.media.binaries import find_binaries

CACHE = Path(tempfile.gettempdir()) / "assay-test-binaries"


def ffmpeg(*arguments: str) -> None:
    subprocess.run([str(find_binaries(cache=CACHE).ffmpeg), "-v", "error", "-nostdin", "-y", *arguments], check=True)


def a_talk(target: Path, *names: str, tempo: float = 1.0) -> Path:
    """Join clips of the samples, a little slower or faster, into one recording."""
    inputs = [option for name in names for option in ("-i", str(SAMPLES / name))]
    joined = "".join(f"[{n}:a]" for n in range(len(names))) + f"concat=n={len(names)}:v=0:a=1,atempo={tempo}[a]"
    ffmpeg(*inputs, "-filter_complex", joined, "-map", "[a]", str(target))
    return target


def a_talking_video(target: Path, voice: Path) -> Path:
    """Put a drawn picture to a voice."""
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15", "-i", str(voice), "-shortest"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(target)),
    )
    return target
