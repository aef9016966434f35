"""The worker process: takes leased jobs, runs them in threads, ends in order."""

import argparse
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import IO

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

import app.schema  # noqa: F401  # every table must be known before one is used
from app import logs
from app.db.clock import DatabaseClock
from app.db.engine import is_alive, worker_engine
from app.errors import AssayError, Unavailable
from app.health.ready import Watch
from app.jobs import embedded, presence
from app.jobs.engine import Handler, Run, Work
from app.jobs.models import Job, Queue
from app.schema.migrate import is_current
from app.settings import Settings, load_settings
from app.storage.client import Storage
from app.storage.embedded import located
from workers import health
from workers.bench import Bench
from workers.evidence.originals import Originals
from workers.folders import work_folder
from workers.handlers import handler_of, when_failed
from workers.media.tools import open_tools
from workers.observing import observed
from workers.speech.starting import SpeechOptions
from workers.transcribers import Transcribers
from workers.worker import Worker, ended_by_signals

log = logging.getLogger("assay.worker")
MOST_THREADS = 4  # of one transcription: it hears at most eight stretches at once


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker until it is told to end. 2 with a sentence when it can't start."""
    asked = _arguments(argv)
    try:
        settings = located(load_settings())
        logs.set_up(settings.log_format)
        held = _lock(settings)
        return _work(settings, [Queue(name) for name in asked.queues.split(",")], asked.concurrency, held)
    except AssayError as error:
        print(error, file=sys.stderr)  # noqa: T201  # for whoever started it
        return 2


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="assay work", description="Run jobs: inspect, convert, transcribe, sign.")
    parser.add_argument("--queues", default=",".join(Queue), help="media, speech, quick; with commas between")
    parser.add_argument("--concurrency", type=int, default=1, help="jobs of each queue at a time")
    return parser.parse_args(argv)


def _lock(settings: Settings) -> IO[bytes] | None:
    """Make sure that this is the only worker of an SQLite file. PostgreSQL takes any number."""
    path = database_file(settings.database)
    if path is None:
        return None
    held = presence.lock(path.with_name(f"{path.name}.worker"))
    if held is None:
        raise Unavailable(
            f"Another worker runs with the database {path}. SQLite takes one; stop it first, or use PostgreSQL."
        )
    return held


def database_file(url: str) -> Path | None:
    """Return the file of an SQLite address, or None for a database server."""
    address = make_url(url)
    return Path(address.database) if address.get_backend_name() == "sqlite" and address.database else None


def _work(settings: Settings, queues: list[Queue], concurrency: int, held: IO[bytes] | None) -> int:
    engine = worker_engine(settings)
    is_alive(engine)  # one that is down is told in a sentence; whoever started us tries again
    if not is_current(engine):
        raise Unavailable("The database does not have the schema of this release. Run `assay migrate` first.")
    with work_folder(settings.data_dir.absolute() / "work") as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)  # what libraries and children put aside goes with it
        return _run(settings, queues, concurrency, held, _bench(settings, engine, folder, speakers=concurrency))


def _run(settings: Settings, queues: list[Queue], concurrency: int, held: IO[bytes] | None, bench: Bench) -> int:
    engine = bench.engine
    work = Work(engine, queues, concurrency, partial(_handler, bench), when_failed)
    worker = Worker(work, stopping=bench.stopping, end_children=bench.transcribers.stop)
    with ended_by_signals(worker):
        if held is not None:  # nobody else can be running a job: take up at once what a killed worker left
            log.info("taken up %d jobs of an earlier worker", embedded.free_leases(engine))
            presence.clear(engine)
        else:
            resolve_name("workers.watchdog:watch")(engine, silent_for=worker.silent_for)
        watch = Watch(engine, bench.storage, workers=list)
        health.listen(settings, missing=lambda: watch.missing(["database", "storage"]), silent_for=worker.silent_for)
        try:
            worker.run()
        finally:
            bench.transcribers.stop()
            engine.dispose()
        if held is not None:
            held.close()
    return 0


def _bench(settings: Settings, engine: Engine, folder: Path, *, speakers: int) -> Bench:
    tools = open_tools(
        sandbox=settings.sandbox,
        ffmpeg=Path(settings.ffmpeg) if settings.ffmpeg else None,
        ffprobe=Path(settings.ffprobe) if settings.ffprobe else None,
        cache=settings.data_dir.absolute() / "tools",
    )
    log.info("ffmpeg %s (%s), sandbox: %s", tools.binaries.version, tools.binaries.source, tools.sandbox.confinement)
    return Bench(
        settings=settings,
        engine=engine,
        storage=Storage(settings),
        tools=tools,
        transcribers=Transcribers(
            SpeechOptions(
                transcriber=settings.transcriber,
                model=settings.whisper_model,
                device=settings.speech_device,
                folder=settings.model_dir,
                threads=settings.speech_threads or threads_for(speakers),
            ),
            count=speakers,
        ),
        folder=folder,
        originals=Originals(folder),
        stopping=threading.Event(),
        clock=DatabaseClock(engine),
    )


def threads_for(speakers: int) -> int:
    """Return how many threads each transcription gets when nobody has set it: its share of the cores, up to four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_THREADS, cores // speakers))


def _handler(bench: Bench, job: Job) -> Handler:
    return observed(job, partial(handler_of(job.name) or _unknown, bench))


def _unknown(_bench: Bench, run: Run, _args: object) -> None:
    raise Unavailable(f"This release does not know the job {run.job_id}; a newer worker will do it.")
