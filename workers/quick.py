"""Short jobs: each calls what its domain says about it, inside the unit that marks the job as done."""

from typing import Any
from uuid import UUID

from app.credentials import jobs as credentials
from app.evidence import removing
from app.jobs.engine import Run
from app.validation import jobs as validation
from workers.bench import Bench


def erase_objects(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Delete the objects of an evidence that was taken out; what is gone already is fine."""
    run.check()
    removing.erase_objects(bench.storage, prefix=args["prefix"], key=args["key"], upload_id=args["upload_id"])


def decide_lot(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Accept, reject or rectify a lot if its validated items allow it now."""
    with run.finishing() as session:
        validation.decide_lot(session, lot_id=UUID(args["lot_id"]), now=bench.clock())


def close_due_lots(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Close the lots whose time is over."""
    with run.finishing() as session:
        validation.close_due(session, now=bench.clock())


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


def refresh_status(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Sign the status lists that will soon be out of date."""
    run.check()
    credentials.refresh_status(bench.engine, bench.settings, now=bench.clock())
