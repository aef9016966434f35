"""What is counted and logged of an attempt at a job."""

import logging

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from app.db.engine import writing
from app.errors import Invalid, Unavailable
from app.jobs import embedded
from app.jobs.catalog import ISSUE
from app.jobs.clock import clock
from app.jobs.engine import Lost, Run, Work, execute
from app.jobs.models import Job, Queue
from app.jobs.service import enqueue
from workers.observing import observed

ENDS = [(None, "done"), (Lost(), "lost"), (Unavailable("x"), "later"), (Invalid("x"), "refused"), (OSError(), "broken")]


@pytest.mark.parametrize(("error", "outcome"), ENDS)
def test_each_attempt_is_counted_by_how_it_ended(
    engine: Engine, error: Exception | None, outcome: str, caplog: pytest.LogCaptureFixture
):
    def handle(run: Run, args: object) -> None:
        if error is not None:
            raise error

    labels = {"name": ISSUE.name, "queue": "quick", "outcome": outcome}
    before = REGISTRY.get_sample_value("assay_job_attempts_total", labels) or 0
    job = a_job(engine)
    with caplog.at_level(logging.INFO, "assay.job"):
        execute(Work(engine, [], 1, lambda job: observed(job, handle), lambda *_: None), job)
    assert REGISTRY.get_sample_value("assay_job_attempts_total", labels) == before + 1
    assert f"{ISSUE.name}: {outcome}" in caplog.text


def a_job(engine: Engine) -> Job:
    with writing(engine) as session:
        enqueue(session, ISSUE, job_id="issue:1", args={}, now=clock())
    job = embedded.take(engine, Queue.QUICK)
    assert job is not None
    return job
