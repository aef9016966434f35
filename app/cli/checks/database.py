"""The database, the jobs in it, and the clocks."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sqlalchemy import Connection, Engine, func, text
from sqlmodel import col, select

from app.cli.checks.check import HTTP, Check
from app.db.engine import reading, utc
from app.db.postgres import Limits
from app.evidence.models import DAMAGED, Evidence
from app.jobs import presence
from app.jobs.models import Job, JobState, Queue
from app.schema.migrate import is_current
from app.settings import Settings
from app.storage.embedded import find, located

OLDEST = (15, 0)
ASKS = 5
SLOW_MS = 20.0
LATE = timedelta(minutes=15)
MOST_SKEW = timedelta(seconds=60)
NOT_SET_UP = "Run: assay init"


def check_database(engine: Engine) -> Check:
    """Say which database answers, how quickly, and whether it has this release's schema."""
    if not is_current(engine):
        return Check("database", "fail", "not set up, or older than this release", NOT_SET_UP)
    with reading(engine) as session:
        took = statistics.median(_ask(session.connection()) for _ in range(ASKS))
    said = f"{_kind(engine)}, newest schema, answers in {took:.1f} ms"
    if engine.dialect.name == "postgresql":
        return _server(engine, said, took)
    return Check("database", "ok", f"{said}; for one machine")


def _ask(connection: Connection) -> float:
    started = time.perf_counter()
    connection.execute(text("SELECT 1"))
    return (time.perf_counter() - started) * 1000


def _kind(engine: Engine) -> str:
    with reading(engine) as session:
        info = session.connection().dialect.server_version_info or ()
    return f"{'PostgreSQL' if engine.dialect.name == 'postgresql' else 'SQLite'} {'.'.join(map(str, info))}"


def _server(engine: Engine, said: str, took: float) -> Check:
    with reading(engine) as session:
        connection = session.connection()
        used = connection.execute(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
        most = connection.execute(text("SELECT current_setting('max_connections')::int"))
        in_use, limit = int(used.scalar_one()), int(most.scalar_one())
        version = connection.dialect.server_version_info or ()
    detail = f"{said}, {in_use} of {limit} connections in use, up to {Limits().pool} for a process"
    if version < OLDEST:
        return Check("database", "fail", detail, "Assay needs PostgreSQL 15 or newer.")
    if in_use > limit * 0.8:
        return Check("database", "warn", detail, "Raise max_connections, or run fewer processes.")
    if took > SLOW_MS:
        return Check("database", "warn", detail, "Sites and database belong in one place.")
    return Check("database", "ok", detail)


def check_jobs(engine: Engine) -> Check:
    """Say which engine hands out jobs, who works on which queue, and how long the oldest job of each waits."""
    if not is_current(engine):
        return Check("jobs", "fail", "there is no job table yet", NOT_SET_UP)
    kind = "Procrastinate" if engine.dialect.name == "postgresql" else "the embedded engine"
    workers, now = presence.live_workers(engine), datetime.now(UTC)
    waits = _waits(engine, now)
    served = {queue: sum(queue in worker.queues for worker in workers) for queue in Queue}
    detail = f"{kind}; " + ", ".join(_line(queue, served[queue], waits.get(queue)) for queue in Queue)
    if idle := [queue.value for queue in Queue if not served[queue]]:
        return Check("jobs", "warn", detail, f"Nobody works on {', '.join(idle)}. Start a worker: assay work")
    if max(waits.values(), default=timedelta()) > LATE:
        return Check("jobs", "warn", detail, "Start more workers for the queue that waits: assay work --queues ...")
    if failed := _failed(engine):
        return Check(
            "jobs", "warn", f"{detail}; {failed} failed for good", "Run: assay jobs show (why), then: assay jobs retry"
        )
    return Check("jobs", "ok", detail)


def _line(queue: Queue, workers: int, wait: timedelta | None) -> str:
    waiting = "none waits" if wait is None else f"the oldest waits {wait.total_seconds():.0f} s"
    return f"{queue.value}: {workers} {'worker' if workers == 1 else 'workers'}, {waiting}"


def _waits(engine: Engine, now: datetime) -> dict[Queue, timedelta]:
    """Return for how long the oldest due job of each queue waits."""
    due = select(Job.queue, func.min(Job.run_at)).where(Job.state == JobState.TODO, col(Job.run_at) <= now)
    with reading(engine) as session:
        return {Queue(queue): now - utc(since) for queue, since in session.exec(due.group_by(col(Job.queue))).all()}


def _failed(engine: Engine) -> int:
    with reading(engine) as session:
        return session.exec(select(func.count()).where(col(Job.state) == JobState.FAILED)).one()


def check_evidence(engine: Engine) -> Check:
    """Say whether an original is known to be another than the one that was sent."""
    if not is_current(engine):
        return Check("evidence", "fail", "there is no evidence table yet", NOT_SET_UP)
    with reading(engine) as session:
        count = session.exec(select(func.count()).select_from(Evidence).where(text(DAMAGED))).one()
    if count:
        detail = f"{count} {'original is' if count == 1 else 'originals are'} not what was sent; nobody judges them"
        advice = "Restore them in the storage from a backup, then run: assay evidence verify --all"
        return Check("evidence", "fail", detail, advice)
    return Check("evidence", "ok", "no original is known to be damaged; to read them all: assay evidence verify --all")


def check_clock(engine: Engine, settings: Settings) -> Check:
    """Compare our clock with the database's and the storage's: signed addresses fail when they differ by minutes."""
    skews = {**_database_skew(engine), **_storage_skew(settings)}
    if not skews:
        return Check("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC (nothing to compare with)")
    detail = ", ".join(f"{skew.total_seconds():.1f} s from the {name}'s" for name, skew in skews.items())
    if max(skews.values()) > MOST_SKEW:
        return Check("clock", "fail", detail, "Let all machines follow a time server.")
    return Check("clock", "ok", detail)


def _database_skew(engine: Engine) -> dict[str, timedelta]:
    if engine.dialect.name != "postgresql":
        return {}
    with reading(engine) as session:
        theirs = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    return {"database": abs(datetime.now(UTC) - theirs)}


def _storage_skew(settings: Settings) -> dict[str, timedelta]:
    if not settings.s3_endpoint_url and find(settings.data_dir) is None:
        return {}
    answer = HTTP.request("HEAD", located(settings).s3_endpoint_url)
    if "Date" not in answer.headers:
        return {}
    return {"storage": abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))}
