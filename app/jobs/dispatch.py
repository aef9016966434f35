"""Telling Procrastinate of a job: its row is written on the caller's connection, so in the caller's transaction.

Imported with the first job on a database server, so that an embedded installation never loads it. The `job` row
stays the truth; a dispatch is a letter that says "look at this job", and one that is lost is written again.
"""

from datetime import datetime
from functools import cache

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import Connection

from app.jobs.models import Queue

RUN = "assay.run"


@cache
def _app() -> App:
    """Return an app that is never opened: it only writes on connections that it is handed."""
    return App(connector=SyncPsycopgConnector())


def send(connection: Connection, *, job_id: str, queue: Queue, priority: int, run_at: datetime | None) -> None:
    """Dispatch a job, not before `run_at`. `lock`: two letters about one job are never open at the same time."""
    _app().configure_task(
        RUN,
        queue=queue.value,
        lock=job_id,
        priority=priority,
        schedule_at=run_at,
        connection=connection.connection.driver_connection,
    ).defer(job_id=job_id)
