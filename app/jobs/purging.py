"""Removing jobs that ended long ago. Failed ones stay: somebody has yet to look at them (`assay jobs`)."""

from datetime import timedelta

from sqlalchemy import Engine, delete, text
from sqlmodel import col, select

from app.db.engine import writing
from app.jobs.clock import moment
from app.jobs.models import Job, JobState

KEPT = timedelta(days=30)
AT_ONCE = 2000  # a long unit would hold others up


def purge(engine: Engine) -> int:
    """Remove jobs that were done or cancelled before `KEPT`, and what Procrastinate no longer needs; how many jobs."""
    removed = fresh = _purge_some(engine)
    while fresh == AT_ONCE:
        fresh = _purge_some(engine)
        removed += fresh
    if engine.dialect.name != "sqlite":
        with writing(engine) as session:
            connection = session.connection()
            connection.execute(text("DELETE FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')"))
            connection.execute(
                text("DELETE FROM procrastinate_workers WHERE last_heartbeat < clock_timestamp() - interval '1 day'")
            )
    return removed


def _purge_some(engine: Engine) -> int:
    old = select(Job.id).where(
        col(Job.state).in_([JobState.DONE, JobState.CANCELLED]), col(Job.ended_at) < moment(engine, ahead=-KEPT)
    )
    with writing(engine) as session:
        return session.connection().execute(delete(Job).where(col(Job.id).in_(old.limit(AT_ONCE)))).rowcount
