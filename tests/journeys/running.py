"""A running Assay: `assay up` in a folder of its own, its command line, and its API as a script uses it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from sqlalchemy import Engine, text

from app.db.engine import make_engine
from tests import warm

T = TypeVar("T")
POOL = urllib3.PoolManager(timeout=60, retries=False)


def wait_for(look: Callable[[], T | None], *, seconds: float, what: str, every: float = 0.1) -> T:
    """Return the first answer that is there; fail with what was waited for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


@dataclass
class Person:
    """Somebody who uses the API."""

    base: str
    token: str

    def send(self, method: str, path: str, body: object = None, **headers: str) -> urllib3.BaseHTTPResponse:
        return POOL.request(
            method,
            self.base + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers},
            redirect=False,
        )

    def ask(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        answer = self.send(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.data[:2000]!r}"
        return json.loads(answer.data) if answer.data else None

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def upload(self, submission_id: str, file: Path, *, kind: str, media_type: str) -> str:
        """Send a file by signed parts straight to the storage, as a browser does."""
        content = file.read_bytes()
        made = self.ask(
            "POST",
            f"/api/v1/submissions/{submission_id}/evidence",
            {"kind": kind, "name": file.name, "media_type": media_type, "size_bytes": len(content)},
            status=201,
        )
        size, count = made["upload"]["part_size_bytes"], made["upload"]["part_count"]
        numbers = list(range(1, count + 1))
        for part in self.ask("POST", f"/api/v1/evidence/{made['id']}/parts", {"numbers": numbers})["parts"]:
            piece = content[(part["number"] - 1) * size : part["number"] * size]
            put = POOL.request("PUT", part["url"], body=piece, headers=part["headers"])
            assert put.status == 200, put.data
        self.ask("POST", f"/api/v1/evidence/{made['id']}/complete", {})
        return str(made["id"])

    def evidence_at_rest(self, evidence_id: str, *, seconds: float = 240) -> Any:
        """Wait until an evidence is ready, rejected, failed or damaged."""

        def look() -> Any:
            found = self.get(f"/api/v1/evidence/{evidence_id}")
            return found if found["state"] not in {"uploading", "processing"} else None

        return wait_for(look, seconds=seconds, what=f"evidence {evidence_id} to come to rest")

    def submission_in(self, submission_id: str, *states: str, seconds: float = 120) -> Any:
        """Wait until a submission is in one of these states."""

        def look() -> Any:
            found = self.get(f"/api/v1/submissions/{submission_id}")
            return found if found["state"] in states else None

        return wait_for(look, seconds=seconds, what=f"submission {submission_id} to be {states}")


@dataclass
class Running:
    """The processes of one `assay up`."""

    data: Path
    base: str
    process: subprocess.Popen[str] | None
    environment: dict[str, str]
    log: list[str] = field(default_factory=list)
    _engine: Engine | None = None

    def assay(self, *arguments: str) -> Any:
        """Run a command of `assay` on this installation; its JSON answer."""
        done = warm.assay(*arguments, "--json", env=self.environment)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    def person(self, email: str, name: str, *roles: str, org: str = "institute") -> Person:
        """Add somebody with these roles and return them with a token."""
        options = [option for role in roles for option in ("--role", role)]
        self.assay("person", "add", "--email", email, "--name", name, "--org", org, *options)
        return Person(self.base, self.assay("token", "add", "--person", email)["token"])

    @property
    def database(self) -> str:
        """The address of its database."""
        return self.environment.get("ASSAY_DATABASE_URL") or f"sqlite:///{self.data / 'assay.sqlite3'}"

    def rows(self, query: str, **values: str) -> list[Any]:
        """Look into the database beside everybody else, and change nothing."""
        if self._engine is None:
            self._engine = make_engine(self.database)
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def forget_database(self) -> None:
        """Close our own connections to it."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def stop(self) -> int:
        """Stop as Ctrl+C does, and return the exit status."""
        self.forget_database()
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=60)
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


def environment_for(data: Path, **more: str) -> dict[str, str]:
    """Return the environment of one installation, without settings of the caller."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return {**inherited, "ASSAY_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1", **more}


def _address(process: subprocess.Popen[str], log: list[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        log.append(line)
        yield from re.findall(r"http://127\.0\.0\.1:\d+", line)


def start(data: Path, *arguments: str, **more: str) -> Running:
    """Start `assay up` on a free port and wait until it says its address."""
    environment = environment_for(data, **more)
    log: list[str] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "up", "--port", "0", "--data", str(data), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    base = next(_address(process, log), None)
    if base is None:
        raise AssertionError(f"assay up ended with {process.wait()}: {''.join(log)}")
    environment["ASSAY_BASE_URL"] = base
    return Running(data, base, process, environment, log)


@contextmanager
def running(data: Path, *arguments: str, **more: str) -> Iterator[Running]:
    """Run `assay up` for the length of a block."""
    made = start(data, *arguments, **more)
    try:
        yield made
    finally:
        made.stop()
