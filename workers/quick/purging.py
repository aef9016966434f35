"""The daily look at jobs that ended long ago."""

from typing import Any

from app.jobs.engine import Run
from app.jobs.purging import purge
from workers.bench import Bench


def purge_jobs(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Remove them. Nothing of it depends on who else does the same."""
    run.check()
    purge(bench.engine)
