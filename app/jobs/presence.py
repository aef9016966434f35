"""Which workers live: each has a row in the database, seen from every machine. And the lock of an SQLite database."""

import fcntl
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, delete, insert, update
from sqlmodel import col, select

from app.db.engine import reading, writing
from app.jobs.clock import moment
from app.jobs.models import Queue, Worker
from app.release import release

DEAD_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Presence:
    """What a worker process says of itself."""

    id: str
    queues: tuple[Queue, ...]
    concurrency: int
    started_at: datetime


def beat(engine: Engine, me: Presence) -> None:
    """Say that this worker lives; one that was frozen, and swept meanwhile, is there again. Sweeps the dead."""
    with writing(engine) as session:
        connection = session.connection()
        seen = {"seen_at": moment(engine)}
        if connection.execute(update(Worker).where(col(Worker.id) == me.id).values(**seen)).rowcount == 0:
            connection.execute(insert(Worker).values(**_facts(me), **seen))
        connection.execute(delete(Worker).where(col(Worker.seen_at) < moment(engine, ahead=-DEAD_AFTER)))


def _facts(me: Presence) -> dict[str, Any]:
    return {
        "id": me.id,
        "machine": machine(),
        "pid": os.getpid(),
        "queues": [queue.value for queue in me.queues],
        "concurrency": me.concurrency,
        "release": release(),
        "started_at": me.started_at,
    }


def leave(engine: Engine, me: Presence) -> None:
    """Take this worker's sign of life away."""
    with writing(engine) as session:
        session.connection().execute(delete(Worker).where(col(Worker.id) == me.id))


def clear(engine: Engine) -> None:
    """Take all signs of life away. Only at the start of the one worker that holds the file lock."""
    with writing(engine) as session:
        session.connection().execute(delete(Worker))


def live_workers(engine: Engine) -> list[Worker]:
    """Return the workers that live now, the oldest first. Raises Unavailable."""
    with reading(engine) as session:
        alive = col(Worker.seen_at) > moment(engine, ahead=-DEAD_AFTER)
        return list(session.exec(select(Worker).where(alive).order_by(col(Worker.started_at))))


def live_queues(engine: Engine) -> frozenset[str]:
    """Return the queues that workers serve now, on whichever machine; empty when none lives. Raises Unavailable."""
    return frozenset(queue for worker in live_workers(engine) for queue in worker.queues)


def machine() -> str:
    """Return the name by which this machine is known to people."""
    return socket.gethostname()


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
