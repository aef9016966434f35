"""The data folder: one supervisor at a time."""

import fcntl
import os
from pathlib import Path
from typing import IO

from app.errors import Conflict


def lock(data_dir: Path) -> IO[str]:
    """Take the folder for this process; it is free again when the file is closed or the process ends.

    Raises Conflict when another supervisor has it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "supervisor.lock"
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        other = file.read().strip()
        file.close()
        raise Conflict(
            "Assay already runs with the data folder %(folder)s (process %(other)s). "
            "Stop it first, or choose another folder with --data.",
            folder=str(data_dir),
            other=other,
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
