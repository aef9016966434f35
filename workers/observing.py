"""Around each attempt at a job: one log line when it ends, and what Prometheus counts of it."""

import logging
import time
from collections.abc import Callable
from typing import Any

from app import logs, meters
from app.errors import AssayError, Unavailable
from app.jobs.engine import Lost, Run
from app.jobs.models import Job

log = logging.getLogger("assay.job")
Handler = Callable[[Run, dict[str, Any]], None]

# How an attempt can end. `lost`: cancelled, or another attempt has the job; `later`: a part was down, no try is
# counted; `refused`: it can't be done and its reason is shown; `broken`: a bug, tried again up to the limit.
DONE, LOST, LATER, REFUSED, BROKEN = "done", "lost", "later", "refused", "broken"


def observed(job: Job, handler: Handler) -> Handler:
    """Return the handler with a log line and counts around it; every refusal passes through."""

    def handle(run: Run, args: dict[str, Any]) -> None:
        started = time.perf_counter()
        with logs.about(job_id=job.id, attempt=job.attempt):
            outcome = BROKEN
            try:
                handler(run, args)
                outcome = DONE
            except Lost:
                outcome = LOST
                raise
            except Unavailable:
                outcome = LATER
                raise
            except AssayError:
                outcome = REFUSED
                raise
            finally:
                _ended(job, outcome, seconds=time.perf_counter() - started)

    return handle


def _ended(job: Job, outcome: str, *, seconds: float) -> None:
    meters.jobs.labels(job.name, job.queue, outcome).inc()
    meters.job_seconds.labels(job.name).observe(seconds)
    if job.attempt > 1:
        meters.job_retries.labels(job.name).inc()
    if outcome == LOST:
        meters.lease_losses.labels(job.name).inc()
    facts = logs.facts(job=job.name, queue=job.queue, outcome=outcome, ms=round(seconds * 1000))
    level = logging.INFO if outcome == DONE else logging.WARNING
    log.log(level, "%s: %s after %.1f s", job.name, outcome, seconds, extra=facts)
