"""Whether a worker lives: a file that it touches, and a lock that it holds on an SQLite database."""

import fcntl
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

BEAT_SECONDS = 5.0
DEAD_AFTER = timedelta(seconds=30)


def beat(data_dir: Path, *, queues: Sequence[str], now: datetime) -> None:
    """Say that this worker lives. One file for each process, replaced at once."""
    folder = _folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{os.getpid()}"
    unfinished.write_text(json.dumps({"pid": os.getpid(), "queues": list(queues), "at": now.isoformat()}))
    unfinished.replace(folder / f"{os.getpid()}.json")


def leave(data_dir: Path) -> None:
    """Take this worker's sign of life away."""
    (_folder(data_dir) / f"{os.getpid()}.json").unlink(missing_ok=True)


def live_queues(data_dir: Path, *, now: datetime) -> frozenset[str]:
    """Return the queues that workers of this data folder serve now; empty when none lives."""
    served: set[str] = set()
    for path in _folder(data_dir).glob("[0-9]*.json"):
        try:
            said = json.loads(path.read_text())
        except FileNotFoundError:  # it has just left
            continue
        if now - datetime.fromisoformat(said["at"]) < DEAD_AFTER:
            served |= set(said["queues"])
    return frozenset(served)


def lock(path: Path) -> IO[bytes] | None:
    """Take an exclusive lock and return the open file that holds it; None when another process has it.

    The kernel gives it back when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _folder(data_dir: Path) -> Path:
    return data_dir / "workers"
