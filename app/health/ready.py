"""Whether an installation can do its work, and which part is missing. Asked often, so answers are kept for 2 s."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from app.db.engine import is_alive
from app.errors import NotFound, Unavailable
from app.jobs.models import Queue
from app.schema.migrate import is_current
from app.storage.client import Storage

KEPT_SECONDS = 2.0
SERVICE = "health"
Workers = Callable[[], Sequence[Collection[str]]]  # the queues of each live worker


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at each part when it is asked about. One part that is slow to fail holds up no other one's answer."""

    engine: Engine
    storage: Storage
    workers: Workers
    _kept: dict[str, tuple[float, list[str]]] = field(default_factory=dict)
    _turns: dict[str, threading.Lock] = field(default_factory=lambda: {name: threading.Lock() for name in PARTS})

    def missing(self, parts: Collection[str] | None = None) -> list[str]:
        """Name what is missing: `database`, `schema`, `storage`, `worker`, or `worker:QUEUE` where some work."""
        wanted = [name for name in PARTS if parts is None or name in parts]
        return list(dict.fromkeys(each for name in wanted for each in self._look(name)))

    def _look(self, name: str) -> list[str]:
        with self._turns[name]:
            at, found = self._kept.get(name, (0.0, []))
            if name not in self._kept or time.monotonic() - at > KEPT_SECONDS:
                found = PARTS[name](self)
                self._kept[name] = time.monotonic(), found
            return found


def _database(watch: Watch) -> list[str]:
    try:
        is_alive(watch.engine)
        return [] if is_current(watch.engine) else ["schema"]
    except Unavailable:
        return ["database"]


def _storage(watch: Watch) -> list[str]:
    try:
        watch.storage.is_alive()
    except (Unavailable, NotFound):
        return ["storage"]
    return []


def _worker(watch: Watch) -> list[str]:
    """Name queues that nobody serves; nothing where the database can't tell, which is then missing itself."""
    if watch.missing(["database"]):
        return []
    try:
        served = {queue for queues in watch.workers() for queue in queues}
    except Unavailable:
        return []
    return [f"worker:{queue}" for queue in Queue if queue not in served] if served else ["worker"]


PARTS: dict[str, Callable[[Watch], list[str]]] = {"database": _database, "storage": _storage, "worker": _worker}
