"""Dropping uploads that nobody finished."""

from typing import Any

from app.evidence import expiring
from app.jobs.engine import Run
from workers.bench import Bench


def sweep_uploads(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Drop unfinished uploads of over a week, and tell their candidates."""
    expiring.sweep(bench.engine, bench.storage, now=bench.clock(), go_on=run.check)
