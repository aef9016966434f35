"""Telling Procrastinate of a job: its row is written on the caller's connection, so in the caller's transaction.

Imported with the first job on a database server, so that an embedded installation never loads it. The `job` row
stays the truth; a dispatch is a letter that says "look at this job", and one that is lost is written again.
"""

from datetime import datetime
from functools import cache

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.jobs.models import Queue

RUN = "assay.run"


@cache
def _app() -> App:
    """Return an app that is never opened: it only writes on connections that it is handed."""
    return App(connector=SyncPsycopgConnector())


def send(connection: Connection, *, job_id: str, queue: Queue, priority: int, run_at: datetime | None) -> None:
    """Dispatch a job, not before `run_at`. `lock`: two letters about one job are never open at the same time.

    What the database refuses is raised as for every other statement of the unit, so that it means the same.
    """
    letter = _app().configure_task(
        RUN,
        queue=queue.value,
        lock=job_id,
        priority=priority,
        schedule_at=run_at,
        connection=connection.connection.driver_connection,
    )
    try:
        letter.defer(job_id=job_id)
    except ConnectorException as error:
        if not isinstance(error.__cause__, psycopg.Error):
            raise
        raise DBAPIError.instance(None, None, error.__cause__, psycopg.Error, dialect=connection.dialect) from error
