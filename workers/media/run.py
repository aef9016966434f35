"""What every conversion has in common: its limits, its options, and whose fault a failure is."""

import re
from collections.abc import Callable

from app.errors import Unavailable
from workers.media.gate import DAMAGED
from workers.media.probe import ToolFailed, Unreadable, must_have_run
from workers.media.sandbox import GIB, MIB, Finished, Limits

GLOBAL_OPTIONS = ("-hide_banner", "-nostdin", "-max_alloc", str(GIB))
TELL_PROGRESS = ("-progress", "pipe:1", "-stats_period", "0.5")
BYTES_PER_MS = 2_000  # 16 Mbit/s: far above what our settings give
# As the reason at the end of ffmpeg's own lines, never of an indented one: there a file says of itself what it likes,
# and a job that waits for room would try it for ever.
NO_SPACE = re.compile(r"^\S.*: (No space left on device|Disk quota exceeded)$", re.MULTILINE)
SHORT = re.compile(r"^\S.*: (Cannot allocate memory|Out of memory|Resource temporarily unavailable)$", re.MULTILINE)


def convert_limits(duration_ms: int, *, cores: int = 2) -> Limits:
    """Return what a conversion of so much media may use (reliability 2.3: 4 times its length + 60 s)."""
    cpu_seconds = 4 * duration_ms // 1000 + 60
    return Limits(
        cpu_seconds=cpu_seconds * cores,
        wall_seconds=2 * cpu_seconds,
        memory_bytes=4 * GIB,
        file_bytes=64 * MIB + BYTES_PER_MS * duration_ms,
    )


def must_have_converted(run: Finished) -> None:
    """Raise `ToolFailed` if we are at fault, `Unavailable` for a full disk, `Unreadable` for bad media."""
    must_have_run(run)
    if run.ok:
        return
    if NO_SPACE.search(run.stderr):
        raise Unavailable(
            "The disk for work files is full. Free some space; the work goes on by itself.", code="disk-full"
        )
    if SHORT.search(run.stderr):
        raise ToolFailed(f"media tool ended with status {run.returncode}: {run.stderr[-500:]}")
    raise Unreadable(DAMAGED.message, code=DAMAGED.code)


def in_shares(on_progress: Callable[[float], None] | None, duration_ms: int) -> Callable[[float], None] | None:
    """Turn a listener for shares from 0 to 1 into one for seconds done."""
    if on_progress is None:
        return None
    return lambda seconds: on_progress(min(1.0, 1000 * seconds / max(1, duration_ms)))
