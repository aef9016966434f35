"""Which function does which job: the whole of what workers do, readable here.

A handler gets the bench, its attempt (`Run`) and the job's arguments. It reads in one unit, works outside any, and
writes its result with "done" in `run.finishing()`. `Unavailable` means later; any other refusal ends the job.
"""

from collections.abc import Callable
from datetime import datetime
from pkgutil import resolve_name
from typing import Any

from sqlmodel import Session

from app.evidence import processing
from app.evidence.processing import NO_TRANSCRIPT, Key
from app.evidence.reconciling import OUR_FAULT
from app.evidence.states import StageName, StageState
from app.jobs.catalog import (
    CLOSE_DUE_LOTS,
    CONVERT,
    CONVERT_PIECES,
    DECIDE_LOT,
    ERASE_OBJECTS,
    INSPECT,
    ISSUE,
    JOIN_PIECES,
    PUBLISH_STATUS,
    PURGE,
    RECONCILE,
    REFRESH_STATUS,
    SCAN,
    STOP_JUDGING,
    SWEEP_UPLOADS,
    TIDY,
    TRANSCRIBE,
)
from app.jobs.engine import Run
from workers.bench import Bench

Handler = Callable[[Bench, Run, dict[str, Any]], None]
WhenFailed = Callable[[Session, dict[str, Any], datetime], None]

# By name, and imported with the first such job: a worker that decides no lot doesn't hold scipy (measured: idle
# memory 105 MB instead of 168 MB). A test resolves every name.
HANDLERS: dict[str, str] = {
    INSPECT.name: "workers.evidence.inspect:inspect",
    SCAN.name: "workers.evidence.scan:scan",
    CONVERT.name: "workers.evidence.convert:convert",
    CONVERT_PIECES.name: "workers.evidence.long:convert_pieces",
    JOIN_PIECES.name: "workers.evidence.long:join_pieces",
    TRANSCRIBE.name: "workers.evidence.transcribe:transcribe",
    ERASE_OBJECTS.name: "workers.quick.erasing:erase_objects",
    STOP_JUDGING.name: "workers.quick.investigating:stop_judging",
    TIDY.name: "workers.quick.tidying:tidy",
    RECONCILE.name: "workers.quick.reconciling:reconcile",
    SWEEP_UPLOADS.name: "workers.quick.expiring:sweep_uploads",
    DECIDE_LOT.name: "workers.quick.lots:decide_lot",
    CLOSE_DUE_LOTS.name: "workers.quick.lots:close_due_lots",
    ISSUE.name: "workers.quick.signing:issue",
    PUBLISH_STATUS.name: "workers.quick.signing:publish_status",
    REFRESH_STATUS.name: "workers.quick.refreshing:refresh_status",
    PURGE.name: "workers.quick.purging:purge_jobs",
}


def handler_of(name: str) -> Handler | None:
    """Return the function that does a job, or None for a job that this release doesn't know."""
    place = HANDLERS.get(name)
    if place is None:
        return None
    handler: Handler = resolve_name(place)
    return handler


def _inspect_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.failed(session, Key.from_args(args), StageName.INSPECT, OUR_FAULT, now=now)


def _scan_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.failed(session, Key.from_args(args), StageName.SCAN, OUR_FAULT, now=now)


def _convert_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.failed(session, Key.from_args(args), StageName.CONVERT, OUR_FAULT, now=now)


def _transcribe_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.transcribed(session, Key.from_args(args), state=StageState.FAILED, now=now, message=NO_TRANSCRIPT)


WHEN_FAILED: dict[str, WhenFailed] = {
    INSPECT.name: _inspect_failed,
    SCAN.name: _scan_failed,
    CONVERT.name: _convert_failed,
    CONVERT_PIECES.name: _convert_failed,
    JOIN_PIECES.name: _convert_failed,
    TRANSCRIBE.name: _transcribe_failed,
}


def when_failed(session: Session, args: dict[str, Any], _error: str, now: datetime) -> None:
    """Tell those whom it concerns that a job failed for good; in the unit that marks it as failed."""
    tell = WHEN_FAILED.get(args["name"])
    if tell is not None:
        tell(session, args, now)
