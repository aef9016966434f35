"""A worker for `assay bench jobs`: on one core, its jobs do nothing but use it.

`python -m workers.burner CORE`. It serves the temporary database of the measurement, which its starter names.
"""

import hashlib
import os
import sys
import threading
from typing import Any

import app.schema  # noqa: F401  # every table must be known before one is used
from app.db.engine import make_engine
from app.jobs.engine import Handler, Run, Work
from app.jobs.models import Job, Queue
from app.settings import load_settings
from workers.worker import Worker, ended_by_signals


def burn(_run: Run, args: dict[str, Any]) -> None:
    """Use the processor for as many rounds as the arguments say."""
    hashlib.pbkdf2_hmac("sha256", b"assay", b"bench", int(args["rounds"]))


def handler(_job: Job) -> Handler:
    """Return what every job of the measurement is."""
    return burn


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    (core,) = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    engine = make_engine(load_settings().database)
    work = Work(engine, [Queue.QUICK], 1, handler, lambda *_: None, periodic={})
    worker = Worker(work, stopping=threading.Event(), end_children=lambda: None)
    with ended_by_signals(worker):
        worker.run()
        engine.dispose()


if __name__ == "__main__":
    main()
