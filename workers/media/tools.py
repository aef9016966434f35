"""What a media job works with: the binaries and the launcher, found and proven once when a worker starts."""

from dataclasses import dataclass
from pathlib import Path

from workers.media.binaries import Binaries, find_binaries
from workers.media.sandbox import Sandbox, open_sandbox


@dataclass(frozen=True, slots=True)
class Tools:
    """ffmpeg and ffprobe, and the one way to start them."""

    binaries: Binaries
    sandbox: Sandbox


def open_tools(*, sandbox: str = "auto", ffmpeg: Path | None = None, ffprobe: Path | None = None, cache: Path) -> Tools:
    """Return tools that work here. Raises `Unavailable` with what to do; `cache` as in `find_binaries`."""
    return Tools(find_binaries(ffmpeg=ffmpeg, ffprobe=ffprobe, cache=cache), open_sandbox(sandbox))
