"""Looking for evidence that waits for a job which will never come."""

import logging
from typing import Any

from app.evidence import reconciling
from app.jobs.engine import Run
from workers.bench import Bench

log = logging.getLogger("assay.worker.reconcile")


def reconcile(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Start it again, or end it so that its candidate can go on."""
    for evidence_id in reconciling.reconcile(bench.engine, now=bench.clock(), go_on=run.check):
        log.error("evidence %s waited for a job that would never come", evidence_id)
