"""Real tools and small real recordings, made once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.demo.recordings import SAMPLES
from workers.media.tools import Tools, open_tools

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s={size}:r={rate}:d={seconds}")
TONE = ("-f", "lavfi", "-i", "sine=440:d={seconds}:r=44100")

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    return open_tools(cache=tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="session")
def make(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Make a recording with ffmpeg: what stands before and after its own picture and tone. No name says what it is."""
    folder = tmp_path_factory.mktemp("made")

    def _make(
        *options: str,
        form: str,
        picture: bool = True,
        sound: bool = True,
        seconds: float = 3,
        size: str = "640x360",
        rate: str = "25",
        name: str = "",
    ) -> Path:
        path = folder / (name or f"recording-{len(list(folder.iterdir()))}")
        sources = (*(PICTURE if picture else ()), *(TONE if sound else ()))
        filled = [word.format(size=size, rate=rate, seconds=seconds) for word in sources]
        quick = ["-preset", "ultrafast"] if picture and "-c:v" not in options and form in {"mp4", "mov"} else []
        command = [tools.binaries.ffmpeg, "-v", "error", "-nostdin", "-y", *filled, *quick, *options, "-f", form, path]
        subprocess.run(command, check=True, timeout=max(60, seconds / 10))
        return path

    return _make


@pytest.fixture(scope="session")
def good_mp4(make: Make) -> Path:
    return make("-movflags", "+faststart", "-metadata", "title=Who I am", form="mp4", seconds=4)


@pytest.fixture(scope="session")
def good_webm(make: Make) -> Path:
    """As a browser records it: nowhere in the file is its length."""
    return make("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1", form="webm")


def sample(name: str) -> Path:
    return SAMPLES / name
