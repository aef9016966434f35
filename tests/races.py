"""Things that happen at the same moment."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from sqlalchemy import Engine, text

from app.db.engine import reading

T = TypeVar("T")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all acts at one moment, each in a thread of its own, and return what they gave, in their order."""
    start = Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        start.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def until_somebody_waits(engine: Engine, *, seconds: float = 5.0) -> None:
    """Return once a unit waits for a lock of another one. On SQLite every unit that writes waits anyway."""
    if engine.dialect.name == "sqlite":
        return
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + seconds
    while True:
        with reading(engine) as session:
            if session.connection().execute(waits).scalar_one():
                return
        assert time.monotonic() < until, "nobody waits for a lock"
        time.sleep(0.01)
