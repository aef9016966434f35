"""What both job engines promise, with real worker processes: SQLite with threads, PostgreSQL with Procrastinate."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.engine import writing
from app.jobs import presence
from app.jobs.catalog import ISSUE, PERIODIC
from app.jobs.clock import clock
from app.jobs.models import JobState, Queue
from app.jobs.service import cancel, enqueue
from tests.jobs.bench import Workshop, a_workshop, ids, later, stop


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    yield from opened(request, tmp_path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def busy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A workshop with a worker for all tests that need no worker of their own."""
    yield from opened(request, tmp_path_factory.mktemp("busy"), worker=True)


def opened(request: pytest.FixtureRequest, folder: Path, *, worker: bool = False) -> Iterator[Workshop]:
    if request.param == "sqlite":
        made, server = a_workshop(f"sqlite:///{folder / 'jobs.sqlite3'}", folder), None
    else:
        server = request.getfixturevalue("postgres_server")
        made = a_workshop(server.make(), folder)
    if worker:
        made.start()
    yield made
    made.close()
    if server:
        server.drop(made.url)


def is_postgresql(shop: Workshop) -> bool:
    return shop.engine.dialect.name == "postgresql"


# --- writing jobs


def test_a_rolled_back_change_leaves_no_job(busy: Workshop):
    with pytest.raises(ZeroDivisionError), writing(busy.engine) as session:
        enqueue(session, ISSUE, job_id="never", args={}, now=clock())
        raise ZeroDivisionError
    busy.add("after")
    busy.wait(lambda: busy.once("after"), "the job after it")
    assert busy.rows("SELECT id FROM job WHERE id = 'never'") == []
    if is_postgresql(busy):
        assert busy.rows("SELECT lock FROM procrastinate_jobs WHERE lock = 'never'") == []


def test_the_same_id_starts_nothing_twice(busy: Workshop):
    assert busy.add("one")
    assert not busy.add("one")
    busy.wait(lambda: busy.once("one"), "the job")
    assert not busy.add("one")
    busy.add("two")
    busy.wait(lambda: busy.once("two"), "the next one")
    assert busy.count("started", "one") == 1


def test_the_urgent_job_comes_first(shop: Workshop):
    shop.add("plain")
    shop.add("urgent", priority=10)
    shop.start()
    shop.wait(lambda: shop.once("plain", "urgent"), "both")
    assert [job for (job,) in shop.rows("SELECT job FROM started ORDER BY at")] == ["urgent", "plain"]


def test_a_job_starts_when_it_is_due(busy: Workshop):
    due = later(2)
    busy.add("due", run_at=due)
    busy.add("at-once")
    busy.wait(lambda: busy.once("at-once", "due"), "both")
    starts = dict(tuple(row) for row in busy.rows("SELECT job, at FROM started WHERE job IN ('due', 'at-once')"))
    assert starts["at-once"] < starts["due"]
    assert starts["due"] >= due.timestamp() - 0.01


def test_a_quick_job_never_waits_behind_a_long_one(shop: Workshop):
    shop.add("long", "work", queue=Queue.SPEECH, tenths=80)
    shop.start("speech,quick")
    shop.wait(lambda: shop.count("started", "long") == 1, "the long one to start")
    for each in ids("quick", 5):
        shop.add(each)
    shop.wait(lambda: shop.once(*ids("quick", 5)), "the quick ones")
    assert shop.state("long") is JobState.DOING


# --- failing


def test_a_job_that_fails_is_tried_three_times_and_then_told(busy: Workshop):
    busy.add("bad", "fail")
    busy.wait(lambda: busy.state("bad") is JobState.FAILED, "the end")
    starts = [at for (at,) in busy.rows("SELECT at FROM started WHERE job = 'bad' ORDER BY at")]
    assert len(starts) == 3
    assert starts[1] - starts[0] >= 1.9
    assert starts[2] - starts[1] >= 3.9
    assert busy.rows("SELECT error FROM told WHERE job = 'bad'") == [("ZeroDivisionError()",)]
    assert busy.count("effect", "bad") == 0


def test_a_refusal_ends_a_job_at_once(busy: Workshop):
    busy.add("refused", "refuse")
    busy.wait(lambda: busy.state("refused") is JobState.FAILED, "the end")
    assert busy.rows("SELECT error FROM told WHERE job = 'refused'") == [("This can't be done.",)]
    assert busy.count("started", "refused") == 1


def test_a_part_that_is_down_costs_no_try(busy: Workshop):
    busy.add("patient", "down")
    busy.wait(lambda: busy.job("patient").deferrals >= 2, "two more looks")
    assert busy.job("patient").attempt <= 1


def test_a_job_that_kills_its_worker_stops_after_three(shop: Workshop):
    shop.add("poison", "die")

    def ended() -> bool:
        if shop.workers[-1].poll() is not None:
            shop.start()
        return shop.state("poison") is JobState.FAILED

    shop.start()
    shop.wait(ended, "the end", seconds=60)
    assert shop.count("started", "poison") == 3
    assert shop.rows("SELECT error FROM told") == [("the worker died 3 times while doing this",)]


# --- cancelling


def test_a_cancelled_job_does_not_start(shop: Workshop):
    shop.add("waiting")
    with writing(shop.engine) as session:
        cancel(session, ["waiting"], now=clock())
    shop.add("after")
    shop.start()
    shop.wait(lambda: shop.once("after"), "the one after it")
    assert shop.state("waiting") is JobState.CANCELLED
    assert shop.count("started", "waiting") == 0


def test_a_running_job_that_is_cancelled_stops(busy: Workshop):
    busy.add("long", "work", tenths=300)
    busy.wait(lambda: busy.job("long").progress > 0, "some progress")
    with writing(busy.engine) as session:
        cancel(session, ["long"], now=clock())
    busy.wait(lambda: busy.state("long") is JobState.CANCELLED, "the end", seconds=5)
    assert busy.count("effect", "long") == 0


# --- dying, freezing, stopping


def test_a_killed_workers_job_is_taken_by_another(shop: Workshop):
    shop.add("long", "work", tenths=15)
    first = shop.start()
    shop.wait(lambda: shop.count("started", "long") == 1, "the start")
    first.kill()
    shop.start()
    shop.wait(lambda: shop.once("long"), "another to finish it", seconds=15)
    assert shop.job("long").attempt == 2


def test_a_frozen_worker_that_thaws_cannot_harm(shop: Workshop):
    shop.add("long", "deaf", tenths=10)
    frozen = shop.start()
    shop.wait(lambda: shop.count("started", "long") == 1, "the start")
    frozen.send_signal(signal.SIGSTOP)
    shop.start()
    shop.wait(lambda: shop.count("started", "long") == 2, "another to take it", seconds=15)
    frozen.send_signal(signal.SIGCONT)  # it now wants to end what the other does
    shop.wait(lambda: shop.once("long"), "the end")
    for each in ids("next", 4):
        shop.add(each, "deaf", tenths=2)
    shop.wait(lambda: shop.once(*ids("next", 4)), "more work for both")
    assert shop.rows("SELECT e.fence = j.fence FROM effect e JOIN job j ON j.id = e.job WHERE e.job = 'long'")[0][0]
    assert frozen.poll() is None
    assert len(presence.live_workers(shop.engine)) == 2


def test_a_worker_that_is_stopped_ends_short_jobs_and_takes_no_more(shop: Workshop):
    for each in ids("short", 3):
        shop.add(each, "work", tenths=10)
    worker = shop.start()
    shop.wait(lambda: shop.count("started") == 1, "the start")
    assert stop(worker) == 0
    assert (shop.count("started"), shop.count("effect")) == (1, 1)
    assert presence.live_workers(shop.engine) == []


def test_a_worker_that_is_stopped_twice_gives_its_job_back_at_no_cost(shop: Workshop):
    shop.add("long", "work", tenths=20)
    worker = shop.start()
    shop.wait(lambda: shop.count("started", "long") == 1, "the start")
    worker.send_signal(signal.SIGTERM)
    assert stop(worker, signal.SIGINT) == 0  # two of one kind at the same time would count as one
    left = shop.job("long")
    assert (left.state, left.attempt) == (JobState.TODO, 0)
    shop.start()
    shop.wait(lambda: shop.once("long"), "another to finish it")


def test_a_worker_that_is_stopped_by_many_signals_at_once_ends(shop: Workshop):
    """Each of them may arrive in the middle of the one before, or while the worker looks whether there was one."""
    worker = shop.start()
    shop.add("first", "nothing")
    shop.wait(lambda: shop.once("first"), "it to work")
    for _ in range(200):
        for number in (signal.SIGTERM, signal.SIGINT):
            worker.send_signal(number)
    assert stop(worker) == 0


# --- several processes


def test_a_periodic_job_runs_once_in_its_slot_whoever_ticks(shop: Workshop):
    for _ in range(3):
        shop.start(periodic=PERIODIC, beat=0.1)
    shop.wait(lambda: shop.count("effect") >= len(PERIODIC), "the periodic jobs")
    shop.wait(lambda: len(presence.live_workers(shop.engine)) == 3, "three workers")
    shop.add("after")
    shop.wait(lambda: shop.once("after"), "one more job")
    per_job = shop.rows("SELECT count(*) FROM started WHERE job != 'after' GROUP BY job")
    assert {count for (count,) in per_job} == {1}


def test_workers_share_the_work(shop: Workshop):
    for each in ids("shared", 12):
        shop.add(each, "deaf", tenths=3)
    shop.start()
    shop.start(concurrency=2)
    shop.wait(lambda: shop.once(*ids("shared", 12)), "all of it")
    assert shop.count("started") == 12


def test_workers_of_other_queues_leave_a_job_alone(shop: Workshop):
    shop.add("heard", queue=Queue.SPEECH)
    shop.add("quick")
    shop.start("media,quick")
    shop.wait(lambda: shop.once("quick"), "the quick one")
    assert shop.state("heard") is JobState.TODO
    assert presence.live_queues(shop.engine) == {"media", "quick"}


# --- what only Procrastinate can lose


def test_a_lost_dispatch_is_sent_again(shop: Workshop):
    if not is_postgresql(shop):
        pytest.skip("nothing is dispatched on SQLite")
    shop.add("lost")
    shop.add("due-later", run_at=later(3))
    assert shop.run("DELETE FROM procrastinate_jobs") == 2
    shop.start()
    shop.wait(lambda: shop.once("lost", "due-later"), "them to be done", seconds=10)
    assert shop.rows("SELECT status FROM procrastinate_jobs WHERE lock IN ('lost', 'due-later')") == []
