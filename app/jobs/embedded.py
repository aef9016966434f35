"""The embedded engine: threads of one process look for free jobs of their queue. For SQLite, on one machine."""

import logging
import threading
import time
from datetime import timedelta

from sqlalchemy import Engine, update
from sqlmodel import and_, col, select

from app.db.engine import reading, writing
from app.errors import Unavailable
from app.jobs.clock import moment
from app.jobs.engine import LEASE, Work, execute, free, leased
from app.jobs.models import Job, JobState, Queue

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.2


def take(engine: Engine, queue: Queue, *, lease: timedelta = LEASE) -> Job | None:
    """Lease the oldest free job of a queue (a job whose lease ran out is free), or None."""
    mine = and_(col(Job.queue) == queue, free(engine))
    with reading(engine) as session:  # an idle worker must not take the write lock five times a second
        if session.exec(select(Job.id).where(mine).limit(1)).first() is None:
            return None
    pick = select(Job.id).where(mine).order_by(col(Job.priority).desc(), col(Job.run_at)).limit(1)
    with writing(engine) as session:
        taken = session.connection().execute(
            update(Job)
            .where(col(Job.id) == pick.scalar_subquery(), mine)  # `mine` again: PostgreSQL looks at the row anew
            .values(**leased(engine, lease))
            .returning(col(Job.id))
        )
        job_id = taken.scalar_one_or_none()
        return None if job_id is None else session.get_one(Job, job_id)


def free_leases(engine: Engine) -> int:
    """Put every running job back at once. Only at the start of the one worker that holds the file lock."""
    with writing(engine) as session:
        freed = session.connection().execute(
            update(Job)
            .where(col(Job.state) == JobState.DOING)
            .values(lease_until=moment(engine, ahead=timedelta(seconds=-1)))
        )
        return freed.rowcount


class Embedded:
    """The dispatcher of one process on one machine."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(queue,), name=f"{queue} {number}", daemon=True)
            for queue in work.queues
            for number in range(work.concurrency)
        ]

    def start(self) -> None:
        """Begin to look for jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more jobs."""
        self._ending.set()

    def join(self, seconds: float) -> bool:
        """Wait for those under way, that long at most; True when none is left."""
        limit = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def look(self) -> None:
        """Nothing is due: each thread looks for itself."""

    def silent_for(self) -> float:
        """Return 0: a file always answers, or says that it can't."""
        return 0.0

    def _loop(self, queue: Queue) -> None:
        down = self._work.timing.down.total_seconds()
        while not self._ending.is_set():
            try:
                job = take(self._work.engine, queue, lease=self._work.timing.lease)
                if job is None:
                    self._ending.wait(LOOK_SECONDS)
                else:
                    execute(self._work, job)
            except Unavailable as error:  # the database is down: jobs are safe, we wait
                log.warning("%s", error)
                self._ending.wait(down)
            except Exception:  # a bug must not end the thread: its queue would stand still while the worker looks alive
                log.exception("a job of the queue %s broke its worker thread; the thread goes on", queue)
                self._ending.wait(down)
