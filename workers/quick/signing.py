"""Issuing credentials and signing status lists."""

from typing import Any
from uuid import UUID

from app.credentials import jobs as credentials
from app.jobs.engine import Run
from workers.bench import Bench


def issue(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Issue the credential of a released submission; only the last, sealing unit is fenced."""
    credentials.issue(
        bench.engine,
        bench.settings,
        submission_id=UUID(args["submission_id"]),
        now=bench.clock(),
        finishing=run.finishing,
    )


def publish_status(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Sign a status list as it is now."""
    run.check()
    credentials.publish_status(bench.engine, bench.settings, number=args["number"], now=bench.clock())
