"""Writing jobs: a row in the caller's own transaction, so that it is never lost and never early."""

import logging
from collections.abc import Collection
from datetime import datetime
from pkgutil import resolve_name

from sqlalchemy import case, literal, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app import logs
from app.db.columns import UtcDateTime
from app.jobs.catalog import JobKind
from app.jobs.clock import moment
from app.jobs.models import Job, JobState

log = logging.getLogger(__name__)


def enqueue(
    session: Session,
    kind: JobKind,
    *,
    job_id: str,
    args: dict[str, str | int],
    now: datetime,
    run_at: datetime | None = None,
) -> bool:
    """Write a job; False when one with this id was there already (a repeated change starts nothing twice).

    `job_id` is deterministic: `inspect:<evidence>:<generation>`. A deliberate re-run takes a new generation.
    """
    connection = session.connection()
    on_sqlite = connection.dialect.name == "sqlite"
    insert = sqlite.insert(Job) if on_sqlite else postgresql.insert(Job)
    row = insert.values(
        id=job_id,
        name=kind.name,
        queue=kind.queue,
        args=args,
        priority=kind.priority,
        state=JobState.TODO,
        attempt=0,
        deferrals=0,
        progress=0.0,
        cancel=False,
        run_at=run_at or (now if on_sqlite else moment(connection)),  # at once, by whichever clock decides
        created_at=now,
    ).on_conflict_do_nothing(index_elements=["id"])
    if connection.execute(row.returning(col(Job.id))).first() is None:
        return False
    if not on_sqlite:
        send = resolve_name("app.jobs.dispatch:send")  # not loaded with us: an embedded installation has no use for it
        send(connection, job_id=job_id, queue=kind.queue, priority=kind.priority, run_at=run_at)
    # The line also names the request that it was written in: so a job leads back to who asked for it.
    log.info("job %s written", job_id, extra=logs.facts(job_id=job_id, job=kind.name))
    return True


def cancel(session: Session, job_ids: Collection[str], *, now: datetime) -> None:
    """Cancel jobs: a waiting one never starts, a running one stops at its next look. Others stay as they are."""
    waits = col(Job.state) == JobState.TODO
    session.connection().execute(  # one statement: between two, a worker could take or give back a job
        update(Job)
        .where(col(Job.id).in_(job_ids), col(Job.state).in_([JobState.TODO, JobState.DOING]))
        .values(
            cancel=True,
            state=case((waits, JobState.CANCELLED), else_=col(Job.state)),
            ended_at=case((waits, literal(now, UtcDateTime)), else_=col(Job.ended_at)),
        )
    )


def retry_failed(session: Session, *, now: datetime, only: Collection[str] | None = None) -> list[str]:
    """Give jobs that had failed for good, all or some, their tries anew; their ids. Dispatches follow in seconds."""
    anew = {"state": JobState.TODO, "attempt": 0, "deferrals": 0, "run_at": now, "ended_at": None}
    jobs = update(Job).where(col(Job.state) == JobState.FAILED, col(Job.cancel).is_(False)).values(**anew)
    if only is not None:
        jobs = jobs.where(col(Job.id).in_(only))
    return sorted(session.connection().execute(jobs.returning(col(Job.id))).scalars())


def set_aside(session: Session, *, about: str) -> None:
    """Take failed jobs whose id says that they are `about` something from those that somebody has to look at."""
    about_it = (col(Job.state) == JobState.FAILED, col(Job.id).contains(about))
    session.connection().execute(update(Job).where(*about_it).values(state=JobState.CANCELLED, cancel=True))
