"""What ended long ago is removed, and what failed can be tried again."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.db.engine import reading, writing
from app.jobs.catalog import PERIODIC, PURGE
from app.jobs.clock import clock
from app.jobs.models import Job, JobState, Queue
from app.jobs.purging import AT_ONCE, KEPT, purge
from app.jobs.service import retry_failed

OLD, YOUNG = KEPT + timedelta(hours=1), KEPT - timedelta(hours=1)


def an_ended_job(job_id: str, state: JobState, age: timedelta) -> Job:
    then = clock() - age
    return Job(id=job_id, name="test", queue=Queue.QUICK, state=state, run_at=then, created_at=then, ended_at=then)


def left(engine: Engine) -> set[str]:
    with reading(engine) as session:
        return set(session.connection().execute(text("SELECT id FROM job")).scalars())


def test_jobs_that_ended_long_ago_are_removed(engine: Engine):
    assert PERIODIC[PURGE.name] == 24 * 3600
    with writing(engine) as session:
        session.add_all(an_ended_job(f"old:{number}", JobState.DONE, OLD) for number in range(AT_ONCE + 1))
        session.add(an_ended_job("cancelled", JobState.CANCELLED, OLD))
        session.add(an_ended_job("failed", JobState.FAILED, OLD))
        session.add(an_ended_job("young", JobState.DONE, YOUNG))
        waiting = an_ended_job("waiting", JobState.TODO, OLD)
        waiting.ended_at = None
        session.add(waiting)
    assert purge(engine) == AT_ONCE + 2
    assert left(engine) == {"failed", "young", "waiting"}


def test_dispatches_of_ended_jobs_are_removed(engine: Engine):
    if engine.dialect.name == "sqlite":
        pytest.skip("nothing is dispatched on SQLite")
    row = text(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
        "VALUES ('quick', 'x', CAST(:state AS procrastinate_job_status))"
    )
    with writing(engine) as session:
        for state in ("todo", "succeeded", "failed", "cancelled"):
            session.connection().execute(row, {"state": state})
    purge(engine)
    with reading(engine) as session:
        assert session.connection().execute(text("SELECT status FROM procrastinate_jobs")).all() == [("todo",)]


def test_failed_jobs_get_their_tries_anew(engine: Engine):
    with writing(engine) as session:
        failed = an_ended_job("failed", JobState.FAILED, YOUNG)
        failed.attempt = 10
        session.add_all([failed, an_ended_job("done", JobState.DONE, YOUNG)])
    with writing(engine) as session:
        assert retry_failed(session, now=clock()) == ["failed"]
    with reading(engine) as session:
        again = session.get_one(Job, "failed")
        assert (again.state, again.attempt, again.ended_at) == (JobState.TODO, 0, None)
        assert session.get_one(Job, "done").state is JobState.DONE
