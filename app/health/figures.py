"""Figures that the database knows, read when Prometheus asks. Every site answers the same: take `max` over sites.

Only open and failed jobs are counted: there is an index for them, and the rest may be millions.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, func, text
from sqlmodel import Session, col, select

from app.db.engine import reading, utc
from app.errors import Unavailable
from app.evidence.models import DAMAGED, Evidence, Submission
from app.evidence.states import SubmissionState
from app.health.ready import Workers
from app.jobs.models import Job, JobState, Queue
from app.validation.models import Lot, LotState

log = logging.getLogger(__name__)
COUNTED = (JobState.TODO, JobState.DOING, JobState.FAILED)
LOTS = (LotState.OPEN, LotState.VALIDATING, LotState.RECTIFYING)


class Figures(Collector):
    """All figures of the database at one moment; `assay_database_up` 0 and nothing else when it does not answer."""

    def __init__(self, engine: Engine, *, workers: Workers, now: datetime) -> None:
        self._engine = engine
        self._live = workers
        self._now = now

    def collect(self) -> Iterable[Metric]:
        """Return every figure; called by the library."""
        try:
            with reading(self._engine) as session:
                found = [*_jobs(session, self._now), *_people(session, self._now)]
            found.append(self._workers())
        except Unavailable:
            log.warning("no figures: the database can't be reached")
            found = []
        yield GaugeMetricFamily("assay_database_up", "Whether the database answers", value=float(bool(found)))
        yield from found

    def _workers(self) -> Metric:
        family = GaugeMetricFamily("assay_workers", "Live worker processes that serve a queue", labels=["queue"])
        alive = self._live()
        for queue in Queue:
            family.add_metric([queue], sum(queue in queues for queues in alive))
        return family


def _jobs(session: Session, now: datetime) -> list[Metric]:
    counts = GaugeMetricFamily("assay_jobs", "Jobs that wait, run or have failed for good", labels=["queue", "state"])
    oldest = GaugeMetricFamily("assay_job_oldest_wait_seconds", "How long the oldest due job waits", labels=["queue"])
    expired = GaugeMetricFamily("assay_job_expired_leases", "Running jobs whose worker is silent", labels=["queue"])
    grouped = select(Job.queue, Job.state, func.count()).where(col(Job.state).in_(COUNTED))
    found = {(queue, state): count for queue, state, count in session.exec(grouped.group_by(Job.queue, Job.state))}
    due = select(Job.queue, func.min(Job.run_at)).where(Job.state == JobState.TODO, col(Job.run_at) <= now)
    since = dict(session.exec(due.group_by(Job.queue)).all())
    late = select(Job.queue, func.count()).where(Job.state == JobState.DOING, col(Job.lease_until) < now)
    lost = dict(session.exec(late.group_by(Job.queue)).all())
    for queue in Queue:
        for state in COUNTED:
            counts.add_metric([queue, state], found.get((queue, state), 0))
        oldest.add_metric([queue], _age(since.get(queue), now))
        expired.add_metric([queue], lost.get(queue, 0))
    return [counts, oldest, expired]


def _people(session: Session, now: datetime) -> list[Metric]:
    """Return what waits for people: for an assessor, in lots, for the release of a decision."""
    ready = select(func.count(), func.min(Submission.ready_at)).where(Submission.state == SubmissionState.READY)
    waiting, since = session.exec(ready).one()
    held = session.exec(select(func.count()).where(Submission.state == SubmissionState.HELD)).one()
    lots = dict(session.exec(select(Lot.state, func.count()).where(col(Lot.state).in_(LOTS)).group_by(Lot.state)).all())
    damaged = session.exec(select(func.count()).select_from(Evidence).where(text(DAMAGED))).one()
    family = GaugeMetricFamily("assay_lots", "Lots that are not decided", labels=["state"])
    for state in LOTS:
        family.add_metric([state], lots.get(state, 0))
    return [
        GaugeMetricFamily("assay_review_waiting", "Submissions that wait for an assessor", value=waiting),
        GaugeMetricFamily("assay_review_oldest_wait_seconds", "How long the oldest waits", value=_age(since, now)),
        GaugeMetricFamily("assay_decisions_held", "Decisions that wait for their lot", value=held),
        GaugeMetricFamily("assay_evidence_damaged", "Originals that are not what was sent", value=damaged),
        family,
    ]


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - utc(since)).total_seconds()) if since is not None else 0.0
