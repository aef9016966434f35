"""A part: a child process in its own session, with its log, that dies with us."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app import leash

LOG_LIMIT_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """What the supervisor must know of a child. `ready` is asked until it says yes, and may be quick only.

    Without a log of its own a part writes where we write.
    """

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    ready: Callable[[], bool]
    log: Path | None
    stop_seconds: float


def spawn(
    command: Sequence[str], *, env: Mapping[str, str], log: Path | None, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a child whose output goes straight into its log, so that it doesn't depend on our reading it.

    It has its own session: Ctrl+C is for us, and we stop the parts in order.
    """
    if log is None:
        return _popen(command, env=env, output=None, pass_fds=pass_fds)
    log.parent.mkdir(parents=True, exist_ok=True)
    turn_over(log)
    with log.open("ab") as output:
        return _popen(command, env=env, output=output, pass_fds=pass_fds)


def _popen(
    command: Sequence[str], *, env: Mapping[str, str], output: IO[bytes] | None, pass_fds: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        leash.leashed(command),
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Wait for a child that was asked to stop, then kill its whole group."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def turn_over(log: Path) -> None:
    """Keep one older log when the present one is long."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))


def tail(log: Path | None, *, lines: int) -> list[str]:
    """Return the last lines of a log."""
    if log is None or not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-lines:]
