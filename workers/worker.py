"""The life of a worker process: hands out jobs, shows that it lives, ends in order.

Showing that it lives has a thread of its own: looking for what is due may take long after an outage, and a healthy
worker must not be taken for a dead one meanwhile.
"""

import logging
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pkgutil import resolve_name
from queue import Empty, SimpleQueue

from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.jobs import embedded, presence
from app.jobs.clock import clock
from app.jobs.engine import Dispatcher, Work, tick

log = logging.getLogger("assay.worker")
# A stop in three steps; the supervisor waits 12 s for all of it. Whatever is left then loses its lease and is taken up.
PATIENCE_SECONDS = 4.0  # short jobs end by themselves
GIVE_BACK_SECONDS = 3.0  # long ones give their job back
LAST_SECONDS = 2.0  # transcription hears nobody in the midst of a chunk: its child is ended
# A signal that comes just before the main thread blocks is not handled until it wakes, so it never blocks for long.
LISTEN_SECONDS = 0.5


def dispatcher_for(work: Work) -> Dispatcher:
    """Return what hands out jobs here: Procrastinate on a database server; it is not loaded on SQLite."""
    if work.engine.dialect.name == "sqlite":
        return embedded.Embedded(work)
    distributed: Dispatcher = resolve_name("app.jobs.distributed:Distributed")(work)
    return distributed


class Worker:
    """A dispatcher, and the pulse that keeps the rest going.

    `stopping` tells handlers to give their job back; `end_children` ends those that hear nobody. Wishes to stop come
    from signal handlers, which run in the middle of anything the main thread does: an Event would lock it out of itself
    when that was just looking at it. A SimpleQueue may be interrupted by itself.
    """

    def __init__(self, work: Work, *, stopping: threading.Event, end_children: Callable[[], None]) -> None:
        self._work = work
        self._stopping = stopping
        self._end_children = end_children
        self._me = presence.Presence(uuid.uuid4().hex, tuple(work.queues), work.concurrency, clock())
        self._wishes: SimpleQueue[None] = SimpleQueue()
        self._seen = time.monotonic()
        self._ended = threading.Event()
        self._dispatcher = dispatcher_for(work)

    def stop(self) -> None:
        """Take no more jobs; a second call gives running ones back at once. Signal handlers may call it."""
        self._wishes.put(None)

    def run(self) -> None:
        """Work until `stop`; then wait a little for short jobs and give long ones back."""
        self._dispatcher.start()
        log.info("working on %s", ", ".join(self._work.queues))
        self._beat()
        pulse = self._repeatedly(self._beat, name="pulse")
        self._repeatedly(self._look, name="due")
        while not self._is_asked_within(LISTEN_SECONDS):
            pass
        self._dispatcher.stop()
        self._join(PATIENCE_SECONDS, or_until_asked_again=True)
        self._stopping.set()
        self._join(GIVE_BACK_SECONDS)
        self._end_children()
        self._join(LAST_SECONDS)
        self._ended.set()
        pulse.join(LAST_SECONDS)  # a last beat must not come after we have left
        self._leave()

    def silent_for(self) -> float:
        """Return for how many seconds the database has answered no sign of life of this process."""
        return max(time.monotonic() - self._seen, self._dispatcher.silent_for())

    def _is_asked_within(self, seconds: float) -> bool:
        try:
            self._wishes.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _join(self, seconds: float, *, or_until_asked_again: bool = False) -> None:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and not (or_until_asked_again and self._is_asked_within(0)):
            if self._dispatcher.join(min(0.2, max(0.0, limit - time.monotonic()))):
                return

    def _repeatedly(self, act: Callable[[], None], *, name: str) -> threading.Thread:
        thread = threading.Thread(target=self._repeat, args=(act,), name=name, daemon=True)
        thread.start()
        return thread

    def _repeat(self, act: Callable[[], None]) -> None:
        while True:
            try:
                act()
            except Exception:  # a bug must not end the thread: we would look dead, or what is due would wait for ever
                log.exception("what a worker does every few seconds broke; it goes on")
            if self._ended.wait(self._work.timing.beat.total_seconds()):
                return

    def _beat(self) -> None:
        """Show that we live. A full disk or a database that is down must not end the worker."""
        try:
            presence.beat(self._work.engine, self._me)
            self._seen = time.monotonic()
        except (Unavailable, OSError, SQLAlchemyError) as error:
            log.warning("%s", error)

    def _look(self) -> None:
        """Write what is due, and send what was lost."""
        try:
            tick(self._work.engine, self._work.periodic)
            self._dispatcher.look()
        except (Unavailable, OSError, SQLAlchemyError) as error:
            log.warning("%s", error)

    def _leave(self) -> None:
        try:
            presence.leave(self._work.engine, self._me)
        except (Unavailable, SQLAlchemyError) as error:  # it will be swept
            log.warning("%s", error)


@contextmanager
def ended_by_signals(worker: Worker) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop a worker for the length of a block; those that come after it change nothing.

    An interpreter that ends takes its handlers away first: one more signal would make an orderly end a death by signal.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
