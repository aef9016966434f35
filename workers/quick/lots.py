"""Closing and deciding lots."""

from typing import Any
from uuid import UUID

from app.jobs.engine import Run
from app.validation import jobs as validation
from workers.bench import Bench


def decide_lot(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Accept, reject or rectify a lot if its validated items allow it now."""
    with run.finishing() as session:
        validation.decide_lot(session, lot_id=UUID(args["lot_id"]), now=bench.clock())


def close_due_lots(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Close the lots whose time is over, each in a unit of its own."""
    validation.close_due(bench.engine, now=bench.clock(), go_on=run.check)
