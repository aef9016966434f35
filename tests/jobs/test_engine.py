"""Leases and fences of the job table."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, update
from sqlmodel import Session, col

from app.audit.service import append, verify
from app.db.engine import make_engine, reading, writing
from app.errors import Invalid, Unavailable
from app.jobs import embedded
from app.jobs import engine as jobs
from app.jobs.catalog import ISSUE, JobKind
from app.jobs.clock import clock
from app.jobs.distributed import address_of
from app.jobs.models import Job, JobState, Queue
from app.jobs.service import cancel, enqueue
from tests.races import until_somebody_waits


def a_job(engine: Engine, job_id: str = "issue:1") -> None:
    with writing(engine) as session:
        enqueue(session, ISSUE, job_id=job_id, args={"submission": "1"}, now=clock())


def state_of(engine: Engine, job_id: str = "issue:1") -> Job:
    with reading(engine) as session:
        return session.get_one(Job, job_id)


def never(session: Session, args: object, error: str, now: object) -> None:
    raise AssertionError(f"on_failed was called: {error}")


def execute(engine: Engine, job: Job, *, handler: jobs.Handler, on_failed: jobs.OnFailed) -> timedelta | None:
    return jobs.execute(jobs.Work(engine, [], 1, lambda _job: handler, on_failed), job)


def finish(run: jobs.Run, args: object) -> None:
    with run.finishing() as session:
        append(session, action="test.done", subject=run.job_id, now=clock())


def test_the_same_id_starts_nothing_twice(engine: Engine):
    a_job(engine)
    with writing(engine) as session:
        assert not enqueue(session, ISSUE, job_id="issue:1", args={}, now=clock())


def test_a_rolled_back_change_leaves_no_job(engine: Engine):
    with pytest.raises(ZeroDivisionError), writing(engine) as session:
        enqueue(session, ISSUE, job_id="issue:1", args={}, now=clock())
        raise ZeroDivisionError
    assert embedded.take(engine, Queue.QUICK) is None


def test_a_job_runs_once_and_is_done(engine: Engine):
    a_job(engine)
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    assert embedded.take(engine, Queue.QUICK) is None
    execute(engine, job, handler=finish, on_failed=never)
    assert state_of(engine).state is JobState.DONE


def test_an_attempt_that_lost_its_lease_commits_nothing(engine: Engine):
    a_job(engine)
    frozen = embedded.take(engine, Queue.QUICK)
    embedded.free_leases(engine)
    second = embedded.take(engine, Queue.QUICK)
    assert frozen is not None
    assert second is not None
    execute(engine, frozen, handler=finish, on_failed=never)
    assert state_of(engine).state is JobState.DOING
    execute(engine, second, handler=finish, on_failed=never)
    with reading(engine) as session:
        assert verify(session).rows == 1
    assert state_of(engine).state is JobState.DONE


def test_a_part_that_is_down_costs_no_try(engine: Engine):
    def down(run: jobs.Run, args: object) -> None:
        raise Unavailable("The storage can't be reached just now.")

    a_job(engine)
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    execute(engine, job, handler=down, on_failed=never)
    waiting = state_of(engine)
    assert (waiting.state, waiting.attempt, waiting.deferrals) == (JobState.TODO, 0, 1)
    assert waiting.run_at > clock() + timedelta(seconds=1)


def test_a_refusal_ends_the_job_with_its_reason(engine: Engine):
    def refuse(run: jobs.Run, args: object) -> None:
        raise Invalid("This can't be signed.")

    told: list[str] = []
    a_job(engine)
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    execute(engine, job, handler=refuse, on_failed=lambda _session, _args, error, _now: told.append(error))
    assert state_of(engine).state is JobState.FAILED
    assert told == ["This can't be signed."]


def test_a_job_of_a_newer_release_waits_for_a_newer_worker(engine: Engine):
    def unknown(run: jobs.Run, args: object) -> None:
        raise Unavailable("This release does not know the job.")

    with writing(engine) as session:
        newer = JobKind("credentials.invented-later", Queue.QUICK)
        enqueue(session, newer, job_id="newer:1", args={}, now=clock())
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    execute(engine, job, handler=unknown, on_failed=never)
    assert state_of(engine, "newer:1").state is JobState.TODO


def test_a_job_ends_even_if_nobody_can_be_told(engine: Engine):
    def refuse(run: jobs.Run, args: object) -> None:
        raise Invalid("This can't be signed.")

    def broken(session: Session, args: object, error: str, now: object) -> None:
        raise ValueError("badly formed hexadecimal UUID string")

    a_job(engine)
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    execute(engine, job, handler=refuse, on_failed=broken)
    ended = state_of(engine)
    assert (ended.state, ended.error) == (JobState.FAILED, "This can't be signed.")


def test_a_job_that_is_taken_while_it_is_cancelled_is_told(engine: Engine):
    def cancel_it() -> None:
        with writing(engine) as session:
            cancel(session, ["issue:1"], now=clock())

    a_job(engine)
    with ThreadPoolExecutor(1) as other:
        with writing(engine) as session:
            session.connection().execute(update(Job).where(col(Job.id) == "issue:1").values(state=JobState.DOING))
            cancelling = other.submit(cancel_it)
            until_somebody_waits(engine)
        cancelling.result(timeout=10)
    assert (state_of(engine).state, state_of(engine).cancel) == (JobState.DOING, True)


def test_a_waiting_job_that_is_cancelled_has_ended(engine: Engine):
    a_job(engine)
    with writing(engine) as session:
        cancel(session, ["issue:1"], now=clock())
    assert (state_of(engine).state, state_of(engine).ended_at is None) == (JobState.CANCELLED, False)


def test_procrastinate_looks_where_the_address_says():
    """What the address asks of a connection holds for dispatching too: another schema would be another queue."""
    address = "postgresql+psycopg://assay@db.example.org/assay?options=-csearch_path%3Dassay&keepalives_idle=60"
    told = conninfo_to_dict(address_of(make_engine(address)))
    assert "-csearch_path=assay" in told["options"]
    assert (told["keepalives_idle"], told["host"]) == ("60", "db.example.org")
