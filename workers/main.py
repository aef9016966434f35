"""The worker process: takes leased jobs, runs them in threads, ends in order."""

import argparse
import logging
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

import app.schema  # noqa: F401  # every table must be known before one is used
from app import logs
from app.db.engine import make_engine
from app.errors import AssayError, Unavailable
from app.health.ready import Watch
from app.jobs import engine as jobs
from app.jobs import presence
from app.jobs.models import Job, Queue
from app.schema.migrate import is_current
from app.settings import Settings, load_settings
from app.storage.client import Storage
from app.storage.embedded import located
from workers import health
from workers.bench import Bench
from workers.handlers import handler_of, when_failed
from workers.media.tools import open_tools
from workers.observing import observed
from workers.speech.client import SpeechOptions
from workers.transcribers import Transcribers

log = logging.getLogger("assay.worker")
LOOK_SECONDS = 0.2
DOWN_SECONDS = 2.0
# A stop in three steps; the supervisor waits 12 s for all of it. Whatever is left then loses its lease and is taken up.
PATIENCE_SECONDS = 4.0  # short jobs end by themselves
GIVE_BACK_SECONDS = 3.0  # long ones give their job back
LAST_SECONDS = 2.0  # transcription hears nobody in the midst of a chunk: its child is ended
LEFT_BEHIND = timedelta(days=1)


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
    engine = make_engine(settings.database)
    if not is_current(engine):
        raise Unavailable("The database does not have the schema of this release. Run `assay migrate` first.")
    bench = _bench(settings, engine, speakers=concurrency)
    worker = Worker(bench, queues, concurrency)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if held is not None:  # nobody else can be running a job: take up at once what a killed worker left
        log.info("taken up %d jobs of an earlier worker", jobs.free_leases(engine))
    watch = Watch(engine, bench.storage, workers=list)
    health.listen(settings, missing=lambda: watch.missing(["database", "storage"]))
    try:
        worker.run()
    finally:
        bench.transcribers.stop()
        engine.dispose()
        if held is not None:
            held.close()
    return 0


def _bench(settings: Settings, engine: Engine, *, speakers: int) -> Bench:
    folder = settings.data_dir.absolute() / "work"
    _sweep(folder, alone=database_file(settings.database) is not None)
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
            SpeechOptions(model=settings.whisper_model, device=settings.speech_device, folder=settings.model_dir),
            count=speakers,
        ),
        folder=folder,
        stopping=threading.Event(),
        clock=jobs.clock,
    )


def _sweep(folder: Path, *, alone: bool) -> None:
    """Remove what killed attempts left on the disk: all of it, or what is old where others may work too."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    oldest = time.time() - LEFT_BEHIND.total_seconds()
    for left in folder.iterdir():
        if alone or left.stat().st_mtime < oldest:
            shutil.rmtree(left)


class Worker:
    """Threads that take jobs of some queues, and the pulse that keeps the rest going."""

    def __init__(self, bench: Bench, queues: Sequence[Queue], concurrency: int) -> None:
        self._bench = bench
        self._queues = queues
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(queue,), name=f"{queue} {number}", daemon=True)
            for queue in queues
            for number in range(concurrency)
        ]

    def stop(self) -> None:
        """Take no more jobs; a second call gives running ones back at once."""
        if self._ending.is_set():
            self._bench.stopping.set()
        self._ending.set()

    def run(self) -> None:
        """Work until `stop`; then wait a little for short jobs and give long ones back."""
        for thread in self._threads:
            thread.start()
        log.info("working on %s", ", ".join(self._queues))
        self._pulse()
        while not self._ending.wait(presence.BEAT_SECONDS):
            self._pulse()
        self._join(PATIENCE_SECONDS)
        self._bench.stopping.set()
        self._join(GIVE_BACK_SECONDS)
        self._bench.transcribers.stop()
        self._join(LAST_SECONDS)
        presence.leave(self._bench.settings.data_dir)

    def _pulse(self) -> None:
        """Show that we live and write what is due. A full disk or a database that is down must not end the worker."""
        try:
            presence.beat(self._bench.settings.data_dir, queues=self._queues, now=self._bench.clock())
            jobs.tick(self._bench.engine)
        except (Unavailable, OSError, SQLAlchemyError) as error:
            log.warning("%s", error)

    def _join(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def _loop(self, queue: Queue) -> None:
        while not self._ending.is_set():
            try:
                job = jobs.take(self._bench.engine, queue)
                if job is None:
                    self._ending.wait(LOOK_SECONDS)
                else:
                    self._execute(job)
            except Unavailable as error:  # the database is down: jobs are safe, we wait
                log.warning("%s", error)
                self._ending.wait(DOWN_SECONDS)
            except Exception:  # a bug must not end the thread: its queue would stand still while the worker looks alive
                log.exception("a job of the queue %s broke its worker thread; the thread goes on", queue)
                self._ending.wait(DOWN_SECONDS)

    def _execute(self, job: Job) -> None:
        log.info("%s: attempt %d", job.id, job.attempt)
        handler = observed(job, partial(handler_of(job.name) or _unknown, self._bench))
        jobs.execute(self._bench.engine, job, handler=handler, on_failed=when_failed)


def _unknown(_bench: Bench, run: jobs.Run, _args: object) -> None:
    raise Unavailable(f"This release does not know the job {run.job_id}; a newer worker will do it.")
