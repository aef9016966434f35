"""Parts that a test starts itself, so that it can kill them: a worker or a site of a running Assay."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from app.ports import free_ports
from tests.journeys.running import POOL, Person, Running, wait_for

ROUNDS = int(os.environ.get("ROUNDS", "2"))


def dice(name: str) -> random.Random:
    """Return the dice of one test; their seed is printed, and SEED throws the same again."""
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"{name}: {ROUNDS} rounds, SEED={seed}")  # noqa: T201  # pytest shows it when the test fails
    return random.Random(seed)  # noqa: S311  # instants, no secrets


def let_pass(seconds: float) -> None:
    """Let an amount of time pass: the random instant of a kill is the one thing that no condition stands for."""
    threading.Event().wait(seconds)


@dataclass
class Mortal:
    """A process of our own."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> set[int]:
        """`kill -9`, and wait until all that it had started is gone too; returns the pids of those."""
        family = descendants(self.pid)
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not any(map(lives, family)) or None, seconds=10, what=f"the children {family} to die")
        return family

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that has died and was not collected yet does not."""
    known = _state_and_parent(Path(f"/proc/{pid}"))
    return known is not None and known[0] not in "ZX"


def descendants(pid: int) -> set[int]:
    """Return the pids of all children of a process, and theirs."""
    parents = {int(entry.name): _state_and_parent(entry) for entry in Path("/proc").glob("[0-9]*")}
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {child for child, known in parents.items() if known and known[1] in fresh} - found
        found |= fresh
    return found


def _state_and_parent(folder: Path) -> tuple[str, int] | None:
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1])


def _start(here: Running, name: str, *arguments: str) -> Mortal:
    log = here.data / "logs" / f"{name}.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "app", *arguments]
        return Mortal(subprocess.Popen(command, env=here.environment, stdout=output, stderr=output))


def start_worker(here: Running, *, queues: str = "media,speech,quick") -> Mortal:
    """Start a worker for a while."""
    return _start(here, "worker", "work", "--queues", queues)


@contextmanager
def a_worker(here: Running, *, queues: str = "media,speech,quick") -> Iterator[Mortal]:
    """Run a worker for the length of a block."""
    made = start_worker(here, queues=queues)
    try:
        yield made
    finally:
        made.stop()


class Site:
    """A second site on the same data, on a port of its own."""

    def __init__(self, here: Running) -> None:
        self._here = here
        self._port = free_ports(1)[0]
        self.base = f"http://127.0.0.1:{self._port}"
        self.mortal = self._start()

    def _start(self) -> Mortal:
        made = _start(self._here, "second-site", "serve", "--port", str(self._port))
        try:
            wait_for(self._answers, seconds=90, what="the site to answer")
        except AssertionError:
            made.stop()
            raise
        return made

    def _answers(self) -> bool | None:
        try:
            return POOL.request("GET", f"{self.base}/healthz").status == 200 or None
        except urllib3.exceptions.HTTPError:
            return None

    def seen_by(self, who: Person) -> Person:
        """Return somebody as a client of this site."""
        return Person(self.base, who.token)

    def killed_during(self, act: Callable[[], None], *, when: Callable[[], None]) -> None:
        """Begin an act in a thread, kill the site when `when` returns, and start it again."""
        client = threading.Thread(target=act)
        client.start()
        when()
        self.mortal.process.kill()  # at once: no look at children first
        self.mortal.process.wait()
        client.join(60)
        self.mortal = self._start()
