"""The folder of work files of one worker process. It goes when its process does, and no earlier.

The kernel says which processes live: each holds a lock in its folder for as long as it runs, however it ends. So
workers that share a data folder never clean up each other's files, and a job may take as long as it needs.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.jobs import presence

HELD = "held"  # the file that a living process has locked
DOOR = ".lock"


@contextmanager
def work_folder(work: Path) -> Iterator[Path]:
    """Open a folder of this process's own, and remove what processes that were killed have left beside it."""
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(work):
        _remove_what_is_left(work)
        folder = Path(tempfile.mkdtemp(prefix="worker-", dir=work))
        held = presence.lock(folder / HELD)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a thread that hears nobody may still write: the next start looks
        if held is not None:
            held.close()


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """Wait until no other process makes or removes a folder here: one that is just being made is not locked yet."""
    with (work / DOOR).open("ab") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _remove_what_is_left(work: Path) -> None:
    for left in work.iterdir():
        if left.name == DOOR:
            continue
        if not left.is_dir():
            left.unlink()
        elif (held := presence.lock(left / HELD)) is not None:
            shutil.rmtree(left)
            held.close()
