"""A worker process whose jobs do what their arguments say; each start and each effect leaves a row.

`python -m tests.jobs.process ADDRESS QUEUES CONCURRENCY TIMING PERIODIC`: TIMING is JSON, seconds by the names of
`Timing`; PERIODIC is JSON too, names and seconds.
"""

import ctypes
import json
import logging
import os
import signal
import sys
import threading
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

import app.schema  # noqa: F401  # every table must be known before one is used
from app.db.engine import make_engine, writing
from app.errors import Invalid, Unavailable
from app.jobs.engine import Handler, Run, Timing, Work
from app.jobs.models import Job, Queue
from workers.worker import Worker, ended_by_signals

TABLES = (
    "CREATE TABLE started (job text, fence text, at double precision)",
    "CREATE TABLE effect (job text, fence text)",
    "CREATE TABLE told (job text, error text)",
)
NOW = {"sqlite": "(julianday('now') - 2440587.5) * 86400", "postgresql": "extract(epoch FROM clock_timestamp())"}
stopping = threading.Event()


def act(run: Run, args: dict[str, Any]) -> None:
    """Do what the arguments say, leave an effect, be done."""
    with writing(run.engine) as session:
        row = f"INSERT INTO started VALUES (:job, :fence, {NOW[run.engine.dialect.name]})"  # noqa: S608  # constants
        session.connection().execute(text(row), {"job": run.job_id, "fence": run.fence})
    ACTS[args.get("act", "nothing")](run, args)
    with run.finishing() as session:
        session.connection().execute(
            text("INSERT INTO effect VALUES (:job, :fence)"), {"job": run.job_id, "fence": run.fence}
        )


def work(run: Run, args: dict[str, Any]) -> None:
    """Take a while, as a conversion does: looking, and telling how far it is."""
    steps = int(args["tenths"])
    for step in range(steps):
        if stopping.wait(0.1):
            raise Unavailable("The worker is being stopped.")
        run.check()
        if step % 5 == 4:
            with run.saving(step / steps):
                pass


def deaf(_run: Run, args: dict[str, Any]) -> None:
    """Take a while without looking, as a call into a library does."""
    threading.Event().wait(int(args["tenths"]) / 10)


def burn(_run: Run, args: dict[str, Any]) -> None:
    """Take the processor for a while."""
    for _ in range(int(args["rounds"])):
        sum(range(10_000))


def fail(_run: Run, _args: object) -> None:
    raise ZeroDivisionError


def refuse(_run: Run, _args: object) -> None:
    raise Invalid("This can't be done.")


def down(_run: Run, _args: object) -> None:
    raise Unavailable("The storage can't be reached just now.")


def die(_run: Run, _args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ACTS = {
    "nothing": lambda _run, _args: None,
    "work": work,
    "deaf": deaf,
    "burn": burn,
    "fail": fail,
    "refuse": refuse,
    "down": down,
    "die": die,
}


def tell(session: Session, args: dict[str, Any], error: str, _now: datetime) -> None:
    session.connection().execute(text("INSERT INTO told VALUES (:job, :error)"), {"job": args["id"], "error": error})


def handler(_job: Job) -> Handler:
    return act


def main() -> None:
    address, queues, concurrency, timing, periodic = sys.argv[1:]
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # never outlive the test
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    seconds = {name: timedelta(seconds=value) for name, value in json.loads(timing).items()}
    engine = make_engine(address)
    served = [Queue(name) for name in queues.split(",")]
    todo = Work(engine, served, int(concurrency), handler, tell, Timing(**seconds), json.loads(periodic))
    worker = Worker(todo, stopping=stopping, end_children=lambda: None)
    with ended_by_signals(worker):
        worker.run()
        engine.dispose()


if __name__ == "__main__":
    main()
