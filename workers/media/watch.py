"""Wait for a started tool: read what it says, report progress, end it when it must end."""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO

STDERR_BYTES = 2 << 20
LOOK_SECONDS = 0.2  # how soon a cancelled or overdue tool is noticed
READ_BYTES = 1 << 16
Process = subprocess.Popen[bytes]
MICROSECONDS = 1_000_000


class Ended(StrEnum):
    """Why a run is over."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    TOO_MUCH_OUTPUT = "too-much-output"


@dataclass(slots=True)
class Seen:
    """What a tool has said so far; memory stays bounded whatever it says."""

    stdout_bytes: int
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    ended: Ended = Ended.EXIT

    def add_stdout(self, data: bytes) -> None:
        """Keep the output; more than allowed ends the run."""
        self.stdout += data
        if len(self.stdout) > self.stdout_bytes:
            self.ended = Ended.TOO_MUCH_OUTPUT

    def add_stderr(self, data: bytes) -> None:
        """Keep the last part of the messages: measurements and the reason of a failure come last."""
        self.stderr += data
        if len(self.stderr) > 2 * STDERR_BYTES:
            del self.stderr[:-STDERR_BYTES]


class Lines:
    """Cuts a stream of bytes into lines and hands each on; a line without end is cut at 64 KiB."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-READ_BYTES:]
        for line in lines:
            self._take(line)


def progress_lines(tell: Callable[[float], None]) -> Lines:
    """Read ffmpeg's `-progress` blocks: tell the seconds of media done (`N/A` before the first packet)."""

    def take(line: bytes) -> None:
        if found := re.fullmatch(rb"out_time_us=(\d{1,18})\s*", line):
            tell(int(found[1]) / MICROSECONDS)

    return Lines(take)


class Watch:
    """Follows one process. `cancelled` is asked every `LOOK_SECONDS`; an error in `on_stdout` ends it."""

    def __init__(self, *, on_stdout: Lines | None = None, cancelled: Callable[[], bool] | None = None) -> None:
        self._on_stdout = on_stdout
        self._cancelled = cancelled or (lambda: False)

    def until_end(self, process: Process, *, wall_seconds: float, stdout_bytes: int) -> Seen:
        """Read until the pipes are closed; kill the whole process group on time-out, cancel, flood, error."""
        seen = Seen(stdout_bytes)
        deadline = time.monotonic() + wall_seconds
        with process, selectors.DefaultSelector() as selector:
            try:
                selector.register(_pipe(process.stdout), selectors.EVENT_READ, self._stdout_taker(seen))
                selector.register(_pipe(process.stderr), selectors.EVENT_READ, seen.add_stderr)
                while selector.get_map() and seen.ended is Ended.EXIT:
                    self._look(selector)
                    seen.ended = self._why_end(seen.ended, deadline)
                while seen.ended is Ended.EXIT and not _is_over(process):  # it closed its pipes and goes on
                    seen.ended = self._why_end(seen.ended, deadline)
            finally:
                _end(process)
        return seen

    def _stdout_taker(self, seen: Seen) -> Callable[[bytes], None]:
        return self._on_stdout.feed if self._on_stdout else seen.add_stdout

    def _look(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(timeout=LOOK_SECONDS):
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            data = os.read(stream.fileno(), READ_BYTES)
            if data:
                key.data(data)
            else:
                selector.unregister(stream)

    def _why_end(self, ended: Ended, deadline: float) -> Ended:
        if ended is Ended.EXIT and self._cancelled():
            return Ended.CANCELLED
        if ended is Ended.EXIT and time.monotonic() > deadline:
            return Ended.TIMEOUT
        return ended


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without pipes")
    return stream


def _is_over(process: Process) -> bool:
    try:
        process.wait(timeout=LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: Process) -> None:
    """Kill what is left of the process group, and wait: nothing outlives its run."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
