"""Which function does which job: the whole of what workers do, readable here.

A handler gets the bench, its attempt (`Run`) and the job's arguments. It reads in one unit, works outside any, and
writes its result with "done" in `run.finishing()`. `Unavailable` means later; any other refusal ends the job.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.evidence import processing
from app.evidence.processing import NO_TRANSCRIPT, Key
from app.evidence.reasons import Reason
from app.evidence.states import StageName, StageState
from app.jobs.catalog import (
    CLOSE_DUE_LOTS,
    CONVERT,
    DECIDE_LOT,
    ERASE_OBJECTS,
    INSPECT,
    ISSUE,
    PUBLISH_STATUS,
    REFRESH_STATUS,
    TRANSCRIBE,
)
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.convert import convert
from workers.evidence.inspect import inspect
from workers.evidence.transcribe import transcribe
from workers.quick import close_due_lots, decide_lot, erase_objects, issue, publish_status, refresh_status

Handler = Callable[[Bench, Run, dict[str, Any]], None]
WhenFailed = Callable[[Session, dict[str, Any], datetime], None]

HANDLERS: dict[str, Handler] = {
    INSPECT.name: inspect,
    CONVERT.name: convert,
    TRANSCRIBE.name: transcribe,
    ERASE_OBJECTS.name: erase_objects,
    DECIDE_LOT.name: decide_lot,
    CLOSE_DUE_LOTS.name: close_due_lots,
    ISSUE.name: issue,
    PUBLISH_STATUS.name: publish_status,
    REFRESH_STATUS.name: refresh_status,
}

OUR_FAULT = Reason(
    "processing-failed",
    "We could not process this file, and that is our fault, not yours. Try again; nothing was lost. "
    "If it fails once more, replace the file.",
)


def _inspect_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.failed(session, Key.from_args(args), StageName.INSPECT, OUR_FAULT, now=now)


def _convert_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.failed(session, Key.from_args(args), StageName.CONVERT, OUR_FAULT, now=now)


def _transcribe_failed(session: Session, args: dict[str, Any], now: datetime) -> None:
    processing.transcribed(session, Key.from_args(args), state=StageState.FAILED, now=now, message=NO_TRANSCRIPT)


WHEN_FAILED: dict[str, WhenFailed] = {
    INSPECT.name: _inspect_failed,
    CONVERT.name: _convert_failed,
    TRANSCRIBE.name: _transcribe_failed,
}


def when_failed(session: Session, args: dict[str, Any], _error: str, now: datetime) -> None:
    """Tell those whom it concerns that a job failed for good; in the unit that marks it as failed."""
    tell = WHEN_FAILED.get(args["name"])
    if tell is not None:
        tell(session, args, now)
