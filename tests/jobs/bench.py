"""What tests of both job engines use: a database with tables for effects, and worker processes to be killed."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from app.db.engine import make_engine, reading, writing
from app.jobs.catalog import JobKind
from app.jobs.clock import clock
from app.jobs.models import Job, JobState, Queue
from app.jobs.service import enqueue
from app.schema.migrate import migrate
from tests.jobs.process import TABLES

QUICKLY = {"lease": 3, "silence": 4, "unanswered": 6, "poll": 0.5, "down": 0.5, "beat": 0.5}


@dataclass
class Workshop:
    """One database, some workers."""

    url: str
    folder: Path
    engine: Engine
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(
        self,
        job_id: str,
        act: str = "nothing",
        *,
        queue: Queue = Queue.QUICK,
        priority: int = 0,
        run_at: datetime | None = None,
        **args: int,
    ) -> bool:
        kind = JobKind(f"test.{queue}", queue, priority=priority)
        with writing(self.engine) as session:
            return enqueue(
                session, kind, job_id=job_id, args={"act": act, "id": job_id, **args}, now=clock(), run_at=run_at
            )

    def start(
        self,
        queues: str = "quick",
        *,
        concurrency: int = 1,
        periodic: dict[str, int] | None = None,
        through: Sequence[str] = (),
        **timing: float,
    ) -> subprocess.Popen[bytes]:
        command = [*through, sys.executable, "-m", "tests.jobs.process", self.url, queues, str(concurrency)]
        with (self.folder / "workers.log").open("ab") as log:
            options = [json.dumps({**QUICKLY, **timing}), json.dumps(periodic or {})]
            process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        self.workers.append(process)
        return process

    def job(self, job_id: str) -> Job:
        with reading(self.engine) as session:
            return session.get_one(Job, job_id)

    def state(self, job_id: str) -> JobState:
        return self.job(job_id).state

    def rows(self, query: str, **values: Any) -> list[Any]:
        with reading(self.engine) as session:
            return list(session.connection().execute(text(query), values))

    def run(self, statement: str, **values: Any) -> int:
        with writing(self.engine) as session:
            return session.connection().execute(text(statement), values).rowcount

    def count(self, table: str, job_id: str = "%") -> int:
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE job LIKE :job", job=job_id)[0][0])  # noqa: S608

    def once(self, *job_ids: str) -> bool:
        """Say whether each of these jobs is done and has had its effect once."""
        return all(self.state(each) is JobState.DONE and self.count("effect", each) == 1 for each in job_ids)

    def wait(self, true: Callable[[], bool], what: str, *, seconds: float = 30) -> float:
        """Wait for a condition; how long it took."""
        began = time.monotonic()
        while not true():
            waited = time.monotonic() - began
            assert waited < seconds, f"waited {seconds} s for {what}: {self.log()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def log(self) -> str:
        path = self.folder / "workers.log"
        return path.read_text()[-5000:] if path.exists() else "no log"

    def close(self) -> None:
        for process in self.workers:
            process.kill()
            process.wait()
        self.engine.dispose()


def a_workshop(url: str, folder: Path) -> Workshop:
    made = Workshop(url, folder, make_engine(url))
    migrate(made.engine)
    for table in TABLES:
        made.run(table)
    return made


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(20)


def later(seconds: float) -> datetime:
    return clock() + timedelta(seconds=seconds)


def ids(name: str, count: int) -> Sequence[str]:
    return [f"{name}:{number}" for number in range(count)]
