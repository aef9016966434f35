"""The embedded engine: leases on the `job` table, on one machine (DESIGN section 6, jobs-engine design).

A job is at-least-once; its effects in SQL are exactly once, because they are committed in `Run.finishing()`
together with "done", under the fence of the attempt: an attempt that lost its lease can't commit.
"""

import logging
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, or_, update
from sqlmodel import Session, and_, col, select

from app.db.engine import reading, writing
from app.errors import AssayError, Unavailable
from app.jobs.catalog import CATALOG, PERIODIC, JobKind
from app.jobs.models import Job, JobState, Queue
from app.jobs.service import enqueue

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=15)
MAX_WAIT_SECONDS = 60.0

Handler = Callable[["Run", dict[str, Any]], None]
OnFailed = Callable[[Session, dict[str, Any], str, datetime], None]


def clock() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


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
            values: dict[str, Any] = {"lease_until": clock() + LEASE}
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
            if not self._set(session, state=JobState.DONE, progress=1.0, ended_at=clock(), error=None):
                self.lost.set()
                raise Lost
            yield session


def take(engine: Engine, queue: Queue) -> Job | None:
    """Lease the oldest free job of a queue (a job whose lease ran out is free), or None."""
    now = clock()
    free = and_(
        col(Job.queue) == queue,
        or_(
            and_(col(Job.state) == JobState.TODO, col(Job.run_at) <= now),
            and_(col(Job.state) == JobState.DOING, col(Job.lease_until) < now),
        ),
    )
    with reading(engine) as session:  # an idle worker must not take the write lock five times a second
        if session.exec(select(Job.id).where(free).limit(1)).first() is None:
            return None
    pick = select(Job.id).where(free).order_by(col(Job.priority).desc(), col(Job.run_at)).limit(1)
    with writing(engine) as session:
        taken = session.connection().execute(
            update(Job)
            .where(col(Job.id) == pick.scalar_subquery(), free)  # `free` again: PostgreSQL looks at the row anew
            .values(
                state=JobState.DOING,
                fence=uuid.uuid4().hex,
                lease_until=now + LEASE,
                attempt=Job.attempt + 1,
                progress=0.0,
            )
            .returning(col(Job.id))
        )
        job_id = taken.scalar_one_or_none()
        return None if job_id is None else session.get_one(Job, job_id)


def free_leases(engine: Engine) -> int:
    """Put every running job back at once. Only at the start of the one worker that holds the file lock."""
    with writing(engine) as session:
        freed = session.connection().execute(
            update(Job).where(col(Job.state) == JobState.DOING).values(lease_until=clock() - timedelta(seconds=1))
        )
        return freed.rowcount


def execute(engine: Engine, job: Job, *, handler: Handler, on_failed: OnFailed) -> None:
    """Run one attempt of a leased job to its end: done, to be tried again, failed or cancelled."""
    kind = CATALOG.get(job.name) or JobKind(job.name, job.queue)  # of a newer release: its handler says so
    run = Run(engine, job.id, job.fence or "", job.attempt, kind.max_attempts, threading.Event())
    if job.cancel:
        _end(run, state=JobState.CANCELLED)
        return
    if job.attempt > kind.max_attempts:
        _fail(run, job, on_failed, f"the worker died {job.attempt - 1} times while doing this")
        return
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(run, stop), name=f"beat {job.id}", daemon=True)
    beat.start()
    try:
        handler(run, job.args)
        _end(run, state=JobState.DONE)
    except Lost:
        _end(run, only_if_cancelled=True, state=JobState.CANCELLED)
    except Unavailable as error:
        _later(run, job, kind, str(error))
    except AssayError as error:
        _fail(run, job, on_failed, str(error))
    except Exception as error:  # a bug in a handler must not end the worker: logged, retried, shown
        log.exception("job %s failed in attempt %d", job.id, job.attempt)
        _again(run, job, kind, on_failed, repr(error))
    finally:
        stop.set()


def _beat(run: Run, stop: threading.Event) -> None:
    """Keep the lease; in a thread of its own, so that a long call can't starve it."""
    while not stop.wait(LEASE.total_seconds() / 3):
        try:
            with writing(run.engine) as session:
                if not run._set(session, lease_until=clock() + LEASE):  # noqa: SLF001  # part of the same module
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
        run._set(session, ended_at=clock(), **values)  # noqa: SLF001


def _later(run: Run, job: Job, kind: JobKind, error: str) -> None:
    """Put a job back because a part is down: it waits as long as that lasts and costs no try."""
    wait = min(MAX_WAIT_SECONDS, kind.backoff_seconds * 2 ** min(job.deferrals, 6))
    with writing(run.engine) as session:
        run._set(  # noqa: SLF001
            session,
            state=JobState.TODO,
            run_at=clock() + timedelta(seconds=wait),
            attempt=Job.attempt - 1,
            deferrals=job.deferrals + 1,
            error=error,
        )


def _again(run: Run, job: Job, kind: JobKind, on_failed: OnFailed, error: str) -> None:
    with reading(run.engine) as session:
        attempt = session.get_one(Job, job.id).attempt  # not `job.attempt`: see `Run.advanced`
    if attempt >= kind.max_attempts:
        _fail(run, job, on_failed, error)
        return
    jitter = 1 + random.random() / 4  # noqa: S311  # spreads retries, is no secret
    wait = timedelta(seconds=kind.backoff_seconds * 2 ** (attempt - 1) * jitter)
    with writing(run.engine) as session:
        run._set(session, state=JobState.TODO, run_at=clock() + wait, error=error)  # noqa: SLF001


def _fail(run: Run, job: Job, on_failed: OnFailed, error: str) -> None:
    """End a job for good and tell those whom it concerns, in one unit; it ends even if they can't be told."""
    now = clock()
    try:
        with writing(run.engine) as session:
            if run._set(session, state=JobState.FAILED, error=error, ended_at=now):  # noqa: SLF001
                on_failed(session, {**job.args, "name": job.name}, error, now)
    except Unavailable:
        raise
    except Exception:
        log.exception("nobody could be told that the job %s has failed", job.id)
        _end(run, state=JobState.FAILED, error=error)


def tick(engine: Engine) -> None:
    """Write the periodic jobs of the present slot."""
    now = clock()
    for name, seconds in PERIODIC.items():
        slot = int(now.timestamp() // seconds)
        with reading(engine) as session:
            if session.get(Job, f"{name}:{slot}") is not None:
                continue
        with writing(engine) as session:
            enqueue(session, CATALOG[name], job_id=f"{name}:{slot}", args={}, now=now)
