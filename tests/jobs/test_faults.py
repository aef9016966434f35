"""Faults under load on PostgreSQL: kills, a frozen worker, a database that goes away, a cable that is pulled.

Small by default. `JOBS=500 KILLS=6 FROZEN=45 CUT=45 LONG=600 pytest tests/jobs/test_faults.py -s` prints the figures
that README names.
"""

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.jobs.models import JobState, Queue
from tests import postgres
from tests.jobs.bench import QUICKLY, Workshop, a_workshop, ids
from tests.jobs.network import Wire, may_be_made

JOBS = int(os.environ.get("JOBS", "80"))
KILLS = int(os.environ.get("KILLS", "2"))
FROZEN_SECONDS = float(os.environ.get("FROZEN", "0"))  # 0: frozen until another has the job
CUT_SECONDS = int(os.environ.get("CUT", "8"))
LONG_SECONDS = int(os.environ.get("LONG", "10"))
AS_INSTALLED = {"lease": 15, "silence": 20, "unanswered": 60, "poll": 2, "down": 2, "beat": 5}


@pytest.fixture
def shop(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Workshop]:
    made = a_workshop(postgres_server.make(), tmp_path)
    yield made
    made.close()
    postgres_server.drop(made.url)


@pytest.fixture
def own_server() -> Iterator[postgres.Server]:
    server = postgres.new_server()
    set_up(server, "postgresql.conf", "listen_addresses = '*'")
    set_up(server, "pg_hba.conf", "host all all 10.213.0.0/16 trust")
    server.stop()
    server.start()
    yield server
    server.remove()


def set_up(server: postgres.Server, file: str, *lines: str) -> None:
    assert server.folder is not None
    with (server.folder / "data" / file).open("a") as settings:
        settings.writelines(f"{line}\n" for line in lines)


def all_once(shop: Workshop, *, count: int) -> bool:
    return shop.count("effect") >= count and not shop.rows("SELECT id FROM job WHERE state IN ('todo', 'doing')")


def effects(shop: Workshop) -> tuple[int, int]:
    """Return how many effects there are, and of how many jobs."""
    return tuple(shop.rows("SELECT count(*), count(DISTINCT job) FROM effect")[0])  # type: ignore[return-value]


def say(text: str) -> None:
    print(f"\n{text}")  # noqa: T201  # the figures


def test_every_job_has_one_effect_however_often_workers_are_killed(shop: Workshop):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    chance = random.Random(seed)  # noqa: S311  # instants, no secrets
    for each in ids("job", JOBS):
        shop.add(each, "deaf", tenths=1)
    alive = [shop.start(concurrency=2, **_timing()) for _ in range(2)]
    began = time.monotonic()
    for number in range(KILLS):
        done = shop.count("effect")
        shop.wait(lambda done=done: shop.count("effect") >= done + JOBS / (KILLS + 2), "some work", seconds=120)
        threading.Event().wait(chance.uniform(0, 0.2))
        alive[number % 2].kill()
        alive[number % 2] = shop.start(concurrency=2, **_timing())
    shop.wait(lambda: all_once(shop, count=JOBS), "all of it", seconds=180)
    assert effects(shop) == (JOBS, JOBS)
    say(
        f"{JOBS} jobs, {KILLS} kills, SEED={seed}: {JOBS} effects, {shop.count('started')} starts, "
        f"{time.monotonic() - began:.0f} s"
    )


def test_a_worker_that_was_frozen_for_long_cannot_harm(shop: Workshop):
    shop.add("long", "deaf", tenths=int(FROZEN_SECONDS * 4) or 10)
    timing = AS_INSTALLED if FROZEN_SECONDS else QUICKLY
    frozen = shop.start(**timing)
    shop.wait(lambda: shop.count("started", "long") == 1, "the start")
    frozen.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    shop.start(**timing)
    taken = shop.wait(lambda: shop.count("started", "long") == 2, "another to take it", seconds=60)
    threading.Event().wait(max(0.0, FROZEN_SECONDS - (time.monotonic() - began)))
    frozen.send_signal(signal.SIGCONT)
    shop.wait(lambda: shop.once("long"), "the end", seconds=FROZEN_SECONDS * 5 + 60)
    for each in ids("next", 6):
        shop.add(each, "deaf", tenths=2)
    shop.wait(lambda: shop.once(*ids("next", 6)), "more work", seconds=60)
    assert frozen.poll() is None
    assert shop.count("started", "long") == 2
    assert shop.count("effect", "long") == 1
    say(f"frozen for {time.monotonic() - began:.0f} s: another started after {taken:.1f} s, one effect")


def test_a_database_that_restarts_at_once_costs_nothing(own_server: postgres.Server, tmp_path: Path):
    shop = a_workshop(own_server.make(), tmp_path)
    try:
        workers = [shop.start("quick,speech", **_timing()) for _ in range(2)]
        writing = Writing(shop)
        shop.add("long", "work", queue=Queue.SPEECH, tenths=60)
        shop.wait(lambda: shop.count("effect") >= 20, "some work")
        for _ in range(max(1, KILLS // 3)):
            own_server.stop()
            threading.Event().wait(2)
            own_server.start()
            before = shop.count("effect")
            back = shop.wait(lambda before=before: shop.count("effect") > before, "work to go on", seconds=60)
            say(f"the database was gone for 2 s: the first effect {back:.1f} s after its return")
        written = writing.stop()
        shop.wait(lambda: all_once(shop, count=len(written)), "all of it", seconds=120)
        assert effects(shop) == (len(written) + 1, len(written) + 1)
        assert [worker.poll() for worker in workers] == [None, None]
        say(f"{len(written)} jobs written meanwhile: each has one effect; {shop.count('started')} starts")
    finally:
        shop.close()


class Writing:
    """Somebody who writes jobs all the time, and again what could not be written."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._ending = threading.Event()
        self._written: list[str] = []
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        while not self._ending.wait(0.05):
            job_id = f"job:{len(self._written)}"
            try:
                self._shop.add(job_id)
            except Unavailable:
                continue
            self._written.append(job_id)

    def stop(self) -> list[str]:
        self._ending.set()
        self._thread.join()
        return self._written


@pytest.mark.skipif(not may_be_made(), reason="network namespaces need root, `ip` and `iptables`")
def test_a_worker_whose_cable_was_pulled_is_back_in_service(own_server: postgres.Server, tmp_path: Path):
    """Packets are dropped without a word: nobody closes the connection. Times are those of an installation."""
    with Wire() as wire:
        shop = a_workshop(own_server.make(), tmp_path)
        try:
            shop.url = shop.url.replace("127.0.0.1", wire.here)
            worker = shop.start("quick,speech", through=wire.command, **AS_INSTALLED)
            shop.add("before")
            shop.wait(lambda: shop.once("before"), "the first job", seconds=60)
            shop.add("running", "work", queue=Queue.SPEECH, tenths=40)
            shop.wait(lambda: shop.count("started", "running") == 1, "the start")
            wire.cut()
            shop.add("while-cut")
            threading.Event().wait(CUT_SECONDS)
            wire.mend()
            shop.add("after")
            back = shop.wait(lambda: shop.once("while-cut", "after"), "it to be back", seconds=120)
            ended = back + shop.wait(lambda: shop.once("running"), "the job under way", seconds=120)
            assert worker.poll() is None
            say(f"cut for {CUT_SECONDS} s: new work done {back:.1f} s after, the job under way {ended:.1f} s after")
        finally:
            shop.close()


def test_quick_jobs_are_quick_beside_a_long_one(shop: Workshop):
    shop.add("long", "work", queue=Queue.SPEECH, tenths=LONG_SECONDS * 10)
    shop.start("speech,quick", **AS_INSTALLED)
    shop.wait(lambda: shop.count("started", "long") == 1, "the long one to start", seconds=60)
    waits = []
    for each in ids("quick", min(JOBS, 300)):
        shop.add(each)
        at = time.time()
        shop.wait(lambda each=each: shop.count("effect", each) == 1, each)
        waits.append(shop.rows("SELECT at FROM started WHERE job = :job", job=each)[0][0] - at)
    assert shop.state("long") is JobState.DOING or LONG_SECONDS < 60
    assert statistics.median(waits) < 2
    say(
        f"{len(waits)} quick jobs beside one of {LONG_SECONDS} s: start after {statistics.median(waits) * 1000:.0f} ms "
        f"(median), {max(waits) * 1000:.0f} ms (longest)"
    )


def _timing() -> dict[str, float]:
    return AS_INSTALLED if JOBS >= 500 else QUICKLY
