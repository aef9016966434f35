"""What both engines share: leases on the `job` table, attempts, retries, periodic jobs (DESIGN section 6).

A job is at-least-once; its effects in SQL are exactly once, because they are committed in `Run.finishing()`
together with "done", under the fence of the attempt: an attempt that lost its lease can't commit. Who hands a job to
a worker differs: `embedded` looks for it, `distributed` is told by Procrastinate.
"""

import logging
import random
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, or_, update
from sqlmodel import Session, and_, col, select

from app import logs
from app.db.engine import reading, writing
from app.errors import AssayError, Unavailable
from app.jobs.catalog import CATALOG, PERIODIC, JobKind
from app.jobs.clock import clock, moment
from app.jobs.models import Job, JobState, Queue
from app.jobs.service import enqueue

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=15)
MAX_WAIT_SECONDS = 60.0

Handler = Callable[["Run", dict[str, Any]], None]
OnFailed = Callable[[Session, dict[str, Any], str, datetime], None]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take. Only tests hand in other values.

    `lease`: an attempt that doesn't beat for so long has lost its job. `silence`: a worker that Procrastinate hasn't
    heard for so long is dead to it. `unanswered`: what became of a dispatch must be known after this. `poll`: how
    often an engine looks by itself where it is told of new jobs; a message that crosses a look is missed. `down`: the
    wait after the database didn't answer. `beat`: between two signs of life of a worker process.
    """

    lease: timedelta = LEASE
    silence: timedelta = timedelta(seconds=20)
    unanswered: timedelta = timedelta(seconds=60)
    poll: timedelta = timedelta(seconds=2)
    down: timedelta = timedelta(seconds=2)
    beat: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker process does: `concurrency` jobs of each of its queues at a time."""

    engine: Engine
    queues: Sequence[Queue]
    concurrency: int
    handler: Callable[[Job], Handler]
    on_failed: OnFailed
    timing: Timing = field(default_factory=Timing)
    periodic: Mapping[str, int] = field(default_factory=lambda: PERIODIC)


class Dispatcher(Protocol):
    """Hands jobs to threads that live as long as the process (see `app.leash`): the port of the two engines."""

    def start(self) -> None:
        """Begin to hand out jobs."""

    def stop(self) -> None:
        """Hand out no more; those under way go on."""

    def join(self, seconds: float) -> bool:
        """Wait for those under way, that long at most; True when none is left."""

    def look(self) -> None:
        """Do what is due every few seconds. Raises Unavailable."""

    def silent_for(self) -> float:
        """Return for how many seconds the database has not answered the dispatcher; 0 where it asks nothing itself."""


class Lost(Exception):
    """Another attempt owns this job now, or it was cancelled: stop and leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job, as its handler sees it. `fence` also names attempt-specific object keys."""

    engine: Engine
    job_id: str
    fence: str
    attempt: int
    max_attempts: int
    lost: threading.Event
    lease: timedelta = LEASE

    def _set(self, session: Session, **values: Any) -> bool:
        mine = and_(col(Job.id) == self.job_id, col(Job.fence) == self.fence, col(Job.state) == JobState.DOING)
        return session.connection().execute(update(Job).where(mine).values(**values)).rowcount == 1

    def check(self) -> None:
        """Raise Lost if the lease is known to be lost. Cheap: call it often."""
        if self.lost.is_set():
            raise Lost

    @contextmanager
    def saving(self, progress: float | None = None) -> Iterator[Session]:
        """Open a fenced write unit in the middle of a job: nothing of it is stored once the lease is lost."""
        with writing(self.engine) as session:
            values: dict[str, Any] = {"lease_until": moment(self.engine, ahead=self.lease)}
            if progress is not None:
                values["progress"] = progress
            if not self._set(session, **values):
                self.lost.set()
                raise Lost
            yield session

    def advanced(self, session: Session) -> None:
        """Say, in a `saving` unit, that it stores a step which no later attempt repeats: the tries count anew.

        A recording of two hours outlives many workers; one that kills its worker at one place still ends.
        """
        self._set(session, attempt=1)

    @contextmanager
    def finishing(self) -> Iterator[Session]:
        """Open the last write unit: the domain's rows and "done" in one transaction, under the fence."""
        with writing(self.engine) as session:
            if not self._set(session, state=JobState.DONE, progress=1.0, ended_at=moment(self.engine), error=None):
                self.lost.set()
                raise Lost
            yield session


def free(bind: Engine | Connection) -> ColumnElement[bool]:
    """Return the condition for a job that may be taken: due, or its lease ran out."""
    now = moment(bind)
    return or_(
        and_(col(Job.state) == JobState.TODO, col(Job.run_at) <= now),
        and_(col(Job.state) == JobState.DOING, col(Job.lease_until) < now),
    )


def leased(bind: Engine | Connection, lease: timedelta) -> dict[str, Any]:
    """Return what taking a job changes."""
    return {
        "state": JobState.DOING,
        "fence": uuid.uuid4().hex,
        "lease_until": moment(bind, ahead=lease),
        "attempt": Job.attempt + 1,
        "progress": 0.0,
    }


def execute(work: Work, job: Job) -> timedelta | None:
    """Run one attempt of a leased job to its end: done, failed, cancelled (None), or to be tried again after a wait."""
    kind = CATALOG.get(job.name) or JobKind(job.name, job.queue)  # of a newer release: its handler says so
    run = Run(
        work.engine, job.id, job.fence or "", job.attempt, kind.max_attempts, threading.Event(), work.timing.lease
    )
    if job.cancel:
        _end(run, state=JobState.CANCELLED)
        return None
    if job.attempt > kind.max_attempts:
        _fail(run, job, work.on_failed, f"the worker died {job.attempt - 1} times while doing this")
        return None
    log.info("%s: attempt %d", job.id, job.attempt)
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(run, stop), name=f"beat {job.id}", daemon=True)
    beat.start()
    try:
        return _attempt(work, run, job, kind)
    finally:
        stop.set()


def _attempt(work: Work, run: Run, job: Job, kind: JobKind) -> timedelta | None:
    try:
        work.handler(job)(run, job.args)
        _end(run, state=JobState.DONE)
    except Lost:
        _end(run, only_if_cancelled=True, state=JobState.CANCELLED)
    except Unavailable as error:
        return _later(run, job, kind, str(error))
    except AssayError as error:
        _fail(run, job, work.on_failed, str(error))
    except Exception as error:  # a bug in a handler must not end the worker: logged, retried, shown
        log.exception("job %s failed in attempt %d", job.id, job.attempt)
        return _again(run, job, kind, work.on_failed, logs.without_values(repr(error)))
    return None


def _beat(run: Run, stop: threading.Event) -> None:
    """Keep the lease; in a thread of its own, so that a long call can't starve it."""
    while not stop.wait(run.lease.total_seconds() / 3):
        try:
            with writing(run.engine) as session:
                if not run._set(session, lease_until=moment(run.engine, ahead=run.lease)):  # noqa: SLF001  # part of the same module
                    run.lost.set()
                    return
                if session.exec(select(Job.cancel).where(Job.id == run.job_id)).first():
                    run.lost.set()
                    return
        except Unavailable:
            log.warning("the lease of %s could not be renewed just now", run.job_id)


def _end(run: Run, *, only_if_cancelled: bool = False, **values: Any) -> None:
    with writing(run.engine) as session:
        if only_if_cancelled and not session.exec(select(Job.cancel).where(Job.id == run.job_id)).first():
            return
        run._set(session, ended_at=moment(run.engine), **values)  # noqa: SLF001


def _later(run: Run, job: Job, kind: JobKind, error: str) -> timedelta:
    """Put a job back because a part is down: it waits as long as that lasts and costs no try."""
    wait = timedelta(seconds=min(MAX_WAIT_SECONDS, kind.backoff_seconds * 2 ** min(job.deferrals, 6)))
    _put_back(run, wait, error, attempt=Job.attempt - 1, deferrals=job.deferrals + 1)
    return wait


def _again(run: Run, job: Job, kind: JobKind, on_failed: OnFailed, error: str) -> timedelta | None:
    with reading(run.engine) as session:
        attempt = session.get_one(Job, job.id).attempt  # not `job.attempt`: see `Run.advanced`
    if attempt >= kind.max_attempts:
        _fail(run, job, on_failed, error)
        return None
    jitter = 1 + random.random() / 4  # noqa: S311  # spreads retries, is no secret
    wait = timedelta(seconds=kind.backoff_seconds * 2 ** (attempt - 1) * jitter)
    _put_back(run, wait, error)
    return wait


def _put_back(run: Run, wait: timedelta, error: str, **more: Any) -> None:
    with writing(run.engine) as session:
        run._set(  # noqa: SLF001
            session, state=JobState.TODO, run_at=moment(run.engine, ahead=wait), error=error, **more
        )


def _fail(run: Run, job: Job, on_failed: OnFailed, error: str) -> None:
    """End a job for good and tell those whom it concerns, in one unit; it ends even if they can't be told."""
    try:
        with writing(run.engine) as session:
            if run._set(session, state=JobState.FAILED, error=error, ended_at=moment(run.engine)):  # noqa: SLF001
                on_failed(session, {**job.args, "name": job.name}, error, clock())
    except Unavailable:
        raise
    except Exception:
        log.exception("nobody could be told that the job %s has failed", job.id)
        _end(run, state=JobState.FAILED, error=error)


def tick(engine: Engine, periodic: Mapping[str, int]) -> None:
    """Write the periodic jobs of the present slot: the slot is in the id, so N workers write each once."""
    now = clock()
    for name, seconds in periodic.items():
        slot = int(now.timestamp() // seconds)
        with reading(engine) as session:
            if session.get(Job, f"{name}:{slot}") is not None:
                continue
        with writing(engine) as session:
            enqueue(session, CATALOG[name], job_id=f"{name}:{slot}", args={}, now=now)
