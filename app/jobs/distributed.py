"""The distributed engine: Procrastinate hands jobs to workers on any number of machines. For PostgreSQL.

The `job` row is the truth, Procrastinate's own row a dispatch: "look at this job". A worker that gets one takes the
lease as the embedded engine does; a dispatch that comes twice, or for a job that has ended, does nothing. What became
of a dispatch is told by its end: deleted, or put off to the time of the next try.

One loop in a thread of its own serves all queues, each with a Procrastinate worker of its own, so that a signing job
never waits behind a transcription. Jobs run in other threads, which live as long as the process.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as Dispatch
from psycopg.conninfo import make_conninfo
from sqlalchemy import DateTime, Engine, case, update
from sqlmodel import and_, col, select

from app.db.engine import reading, writing
from app.errors import Unavailable
from app.jobs.clock import moment
from app.jobs.dispatch import RUN
from app.jobs.engine import Work, execute, free, leased
from app.jobs.models import Job, JobState, Queue
from app.jobs.sweep import sweep

log = logging.getLogger(__name__)
T = TypeVar("T")
# A connection that was cut without a word is noticed by the kernel: by its keepalives, and by what stays unanswered.
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
CONNECT_SECONDS = 10
KEEP_WORKERS = timedelta(days=1)  # Procrastinate forgets a worker after this; one that was frozen must be known still


class Distributed:
    """The dispatcher of one process among many."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lines = {queue: _Line(address_of(work.engine)) for queue in work.queues}
        self._hands = {queue: Hands(queue, work.concurrency) for queue in work.queues}
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._serve_all, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin to take dispatches."""
        logging.getLogger("procrastinate").setLevel(logging.WARNING)  # we say what becomes of jobs
        for hands in self._hands.values():
            hands.start()
        self._thread.start()

    def stop(self) -> None:
        """Take no more dispatches."""
        for line in self._lines.values():
            line.ending = True
        self._loop.call_soon_threadsafe(self._cancel)

    def join(self, seconds: float) -> bool:
        """Wait for jobs under way, that long at most; True when none is left."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def look(self) -> None:
        """Send again what was lost with a worker or a message."""
        sweep(self._work.engine, self._work.timing)

    def silent_for(self) -> float:
        """Return for how many seconds the quietest line to the database has had no answer."""
        return time.monotonic() - min(line.answered for line in self._lines.values())

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _serve_all(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._tasks = [self._loop.create_task(self._serve(queue)) for queue in self._work.queues]
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))

    async def _serve(self, queue: Queue) -> None:
        """Be a worker of a queue until we are cancelled; a cancelled one waits for its jobs under way."""
        timing, line = self._work.timing, self._lines[queue]
        app = procrastinate.App(connector=line)
        app.task(name=RUN, retry=_Later())(partial_task(self._hands[queue], self._run))
        while not line.ending:
            try:
                async with app.open_async():
                    await app.run_worker_async(
                        queues=[queue.value],
                        concurrency=self._work.concurrency,
                        fetch_job_polling_interval=timing.poll.total_seconds(),
                        abort_job_polling_interval=KEEP_WORKERS.total_seconds(),  # we cancel by the `job` row
                        delete_jobs="always",
                        install_signal_handlers=False,
                        update_heartbeat_interval=timing.silence.total_seconds() / 4,
                        stalled_worker_timeout=KEEP_WORKERS.total_seconds(),
                    )
            except Exception:
                log.exception("the dispatcher of %s broke; it starts again", queue)
            if not line.ending:
                await asyncio.sleep(timing.down.total_seconds())

    def _run(self, job_id: str) -> timedelta | None:
        """Do the job of a dispatch; after which time it has to be looked at again, or None. Never raises."""
        try:
            taken = take(self._work.engine, job_id, lease=self._work.timing.lease)
            return execute(self._work, taken) if isinstance(taken, Job) else taken
        except Unavailable as error:  # the database is down: the job is safe
            log.warning("%s", error)
        except Exception:  # the row says what it says; somebody looks again
            log.exception("the job %s broke its worker thread; the thread goes on", job_id)
        return self._work.timing.down


def take(engine: Engine, job_id: str, *, lease: timedelta) -> Job | timedelta | None:
    """Lease a job that we were told of. Else: how long it is not free yet, or None when it has ended or is unknown."""
    with writing(engine) as session:
        mine = and_(col(Job.id) == job_id, free(engine))
        if session.connection().execute(update(Job).where(mine).values(**leased(engine, lease))).rowcount == 1:
            return session.get_one(Job, job_id)
    with reading(engine) as session:
        is_open = col(Job.state).in_([JobState.TODO, JobState.DOING])
        due = case((col(Job.state) == JobState.TODO, col(Job.run_at)), else_=col(Job.lease_until))
        left = due.cast(DateTime(timezone=True)) - moment(engine)
        found = session.exec(select(left).where(Job.id == job_id, is_open)).first()
        return None if found is None else max(timedelta(), found) + timedelta(seconds=1)


def address_of(engine: Engine) -> str:
    """Return the address of the engine's database for psycopg, with watchful connections. What it says itself wins."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    ours: dict[str, str | int] = {"connect_timeout": CONNECT_SECONDS, "application_name": "assay worker", **ALIVE}
    return make_conninfo(url, **{name: value for name, value in ours.items() if name not in engine.url.query})


class Hands:
    """Threads that do the jobs of a queue. Daemons: a job that hears nobody can't hold the process up."""

    def __init__(self, name: str, count: int) -> None:
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._loop, name=f"{name} {number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Start the threads, from one that lives as long as they."""
        for thread in self._threads:
            thread.start()

    async def do(self, act: Callable[[], T]) -> T:
        """Let a thread do it and wait for its result."""
        result: Future[T] = Future()
        self._waiting.put((act, result))
        return await asyncio.wrap_future(result)

    def _loop(self) -> None:
        while True:
            act, result = self._waiting.get()
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(act())
                except Exception as error:  # noqa: BLE001  # it is the asker's to judge
                    result.set_exception(error)


def partial_task(hands: Hands, run: Callable[[str], timedelta | None]) -> Callable[[str], Awaitable[None]]:
    """Return Procrastinate's task: runs a job, and asks to be called again when there is a next try."""

    async def assay_run(job_id: str) -> None:
        wait = await hands.do(partial(run, job_id))
        if wait is not None:
            raise _Again(wait)

    return assay_run


class _Again(Exception):
    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"again in {wait.total_seconds():.1f} s")
        self.wait = wait


class _Later(procrastinate.BaseRetryStrategy):
    """Turns our wait into Procrastinate's."""

    def get_retry_decision(
        self,
        *,
        exception: BaseException,
        job: Dispatch,  # noqa: ARG002  # signature of Procrastinate
    ) -> procrastinate.RetryDecision | None:
        if not isinstance(exception, _Again):
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": round(exception.wait.total_seconds())})


class _Line(procrastinate.PsycopgConnector):
    """A queue's connections. A database that is down is waited for: left alone, Procrastinate ends its worker."""

    def __init__(self, conninfo: str) -> None:
        # Without a limit a pool waits twice as long after each failure, and so for minutes after a long outage.
        super().__init__(
            conninfo=conninfo, min_size=1, max_size=3, timeout=CONNECT_SECONDS, reconnect_timeout=CONNECT_SECONDS
        )
        self.answered = time.monotonic()
        self.ending = False

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        try:
            await self._ask(partial(super().execute_query_async, query, **arguments))
        except ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise
            log.info("a dispatch that ends was swept meanwhile: %s", error.__cause__)  # we were frozen, or cut off

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        return await self._ask(partial(super().execute_query_one_async, query, **arguments))

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await self._ask(partial(super().execute_query_all_async, query, **arguments))

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        await self._ask(partial(super().listen_notify, on_notification, list(channels)))

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                answer = await ask()
            except ConnectorException as error:
                if self.ending or not isinstance(error.__cause__, psycopg.OperationalError):
                    raise
                log.warning("the database can't be reached just now: %s", error.__cause__)
                await asyncio.sleep(1)
            else:
                self.answered = time.monotonic()
                return answer
