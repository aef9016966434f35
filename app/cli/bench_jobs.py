"""What the measurement of jobs consists of: a database of its own, workers on a core each, jobs that use the core."""

import hashlib
import os
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from sqlmodel import col, func, select

from app.db.engine import make_engine, reading, writing
from app.errors import Invalid, NotAllowed, Unavailable
from app.jobs.catalog import JobKind
from app.jobs.clock import clock
from app.jobs.models import Job, JobState, Queue
from app.jobs.presence import live_workers
from app.jobs.service import enqueue
from app.schema.migrate import migrate
from app.supervisor.plan import import_path, python

BURN = JobKind("bench.burn", Queue.QUICK)
READY_SECONDS = 60.0
TRIAL_ROUNDS = 50_000


@dataclass(frozen=True, slots=True)
class Figures:
    """`one` and `two`: jobs a second of one worker and of two, the median of all rounds. Times in milliseconds."""

    job_ms: float
    jobs: int
    rounds: int
    one: float
    two: float
    ratio: float
    small_job_ms: float
    small_job_p95_ms: float


def measure(address: str, *, jobs: int, job_ms: float, rounds: int) -> Figures:
    """Measure in turns, so that what else the machine does hits both alike. The account needs CREATEDB."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 1]
    if len(cores) < 2:  # noqa: PLR2004
        raise Invalid("Two workers on a core each need two cores.")
    weight = _rounds_of(job_ms)
    one, two = list[float](), list[float]()
    with temporary_database(address) as (url, engine):
        for turn in range(rounds):
            one.append(_rate(url, engine, cores[:1], f"one:{turn}", jobs=jobs, weight=weight))
            two.append(_rate(url, engine, cores[:2], f"two:{turn}", jobs=jobs * 2, weight=weight))
        waits = _waits(url, engine, cores[0])
    each, both = statistics.median(one), statistics.median(two)
    small = statistics.median(waits)
    return Figures(
        job_ms, jobs, rounds, round(each, 2), round(both, 2), round(both / each, 3), small, sorted(waits)[-2]
    )


@contextmanager
def temporary_database(address: str) -> Iterator[tuple[str, Engine]]:
    """Make a database beside the configured one, with the newest schema, and drop it afterwards."""
    url = make_url(address)
    if url.get_backend_name() != "postgresql":
        raise Invalid("This measures workers on PostgreSQL: set ASSAY_DATABASE_URL.")
    name = f"assay_bench_{secrets.token_hex(4)}"
    ours = url.set(database=name).render_as_string(hide_password=False)
    _outside_units(address, f'CREATE DATABASE "{name}"')
    engine = make_engine(ours)
    try:
        migrate(engine)
        yield ours, engine
    finally:
        engine.dispose()
        _outside_units(address, f'DROP DATABASE "{name}" WITH (FORCE)')


def _outside_units(address: str, statement: str) -> None:
    engine = make_engine(address)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        raise NotAllowed("The account of ASSAY_DATABASE_URL may not create a database for this.") from error
    finally:
        engine.dispose()


def _rounds_of(job_ms: float) -> int:
    """Return how much work takes so long on one core of this machine."""
    began = time.thread_time()
    hashlib.pbkdf2_hmac("sha256", b"assay", b"bench", TRIAL_ROUNDS)
    return max(1, round(TRIAL_ROUNDS * job_ms / 1000 / (time.thread_time() - began)))


@contextmanager
def _workers(url: str, engine: Engine, cores: Sequence[int]) -> Iterator[None]:
    with ExitStack() as running:
        for core in cores:
            process = subprocess.Popen(
                python("workers.burner", str(core)),
                env={**os.environ, "PYTHONPATH": import_path(), "ASSAY_DATABASE_URL": url},  # arguments are seen by all
                stderr=subprocess.DEVNULL,
            )
            running.callback(process.wait)
            running.callback(process.terminate)
        until = time.monotonic() + READY_SECONDS
        while len(live_workers(engine)) < len(cores):
            if time.monotonic() > until:
                raise Unavailable("The workers of the measurement don't start.")
            time.sleep(0.05)
        yield


def _rate(url: str, engine: Engine, cores: Sequence[int], name: str, *, jobs: int, weight: int) -> float:
    """Return the jobs a second that workers on these cores do, from the moment that all jobs are there."""
    with _workers(url, engine, cores):
        _write(engine, [f"{name}:warm:{number}" for number in range(2 * len(cores))], weight=weight)
        _until_done(engine, f"{name}:warm:")
        began = _write(engine, [f"{name}:{number}" for number in range(jobs)], weight=weight)
        _until_done(engine, f"{name}:")
        return jobs / (_last_end(engine, f"{name}:") - began)


def _waits(url: str, engine: Engine, core: int, *, count: int = 40) -> list[float]:
    """Return how many milliseconds small jobs take on an idle worker, from their commit to their end."""
    found = []
    with _workers(url, engine, [core]):
        for number in range(count):
            began = _write(engine, [f"small:{number}:"], weight=1)
            _until_done(engine, f"small:{number}:")
            found.append(round((_last_end(engine, f"small:{number}:") - began) * 1000, 1))
    return found


def _write(engine: Engine, ids: Sequence[str], *, weight: int) -> float:
    """Write jobs in one unit; the moment after it by the database's clock, in seconds."""
    with writing(engine) as session:
        for job_id in ids:
            enqueue(session, BURN, job_id=job_id, args={"rounds": weight}, now=clock())
    with reading(engine) as session:
        moment = session.connection().execute(text("SELECT extract(epoch FROM clock_timestamp())"))
        return float(moment.scalar_one())


def _until_done(engine: Engine, prefix: str) -> None:
    is_open = select(func.count()).where(col(Job.id).startswith(prefix), col(Job.state) != JobState.DONE)
    while True:
        with reading(engine) as session:
            if session.exec(is_open).one() == 0:
                return
        time.sleep(0.02 if prefix.startswith("small") else 0.2)


def _last_end(engine: Engine, prefix: str) -> float:
    with reading(engine) as session:
        ended = session.exec(select(func.max(Job.ended_at)).where(col(Job.id).startswith(prefix))).one()
    if ended is None:
        raise Unavailable("The jobs of the measurement are gone.")
    return float(ended.timestamp())
