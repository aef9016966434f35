"""Ending the judging of a submission whose evidence is not what was sent."""

from typing import Any
from uuid import UUID

from app.home.investigating import stop_judging as stop
from app.jobs.engine import Run
from workers.bench import Bench


def stop_judging(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """End the claim and the validation of a submission that is under investigation."""
    with run.finishing() as session:
        stop(session, submission_id=UUID(args["submission_id"]), now=bench.clock())
