"""What workers do for validation: plain functions inside a job's last write unit. Needs scipy: not for the site."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.db.locking import locked
from app.errors import Unavailable
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.validation import sample
from app.validation.lots import close_lot, due_lots
from app.validation.models import ItemState, Lot, LotItem, LotState
from app.validation.release import left_behind, release_left_behind

log = logging.getLogger(__name__)


def decide_lot(session: Session, *, lot_id: UUID, now: datetime) -> None:
    """Job `validation.decide-lot`: accept, reject or rectify if the validated items allow it now."""
    _decide(session, lot_id, now=now)


def _never_stop() -> None:
    """Go on to the end."""


def close_due(engine: Engine, *, now: datetime, go_on: Callable[[], None] = _never_stop) -> None:
    """Job `validation.close-due`: close lots whose time is over, and tidy up what other steps left to us.

    A submission may be withdrawn, or an integrity case cleared, by steps that know nothing of lots. Each step is a
    unit of its own: what breaks is logged, and the others go on. `go_on` may raise, to stop.
    """
    with reading(engine) as session:
        due = [lot.id for lot in due_lots(session, now=now)]
    _each(engine, due, partial(_close, now=now), go_on)
    with reading(engine) as session:
        withdrawn = _withdrawn_items(session)
    _each(engine, withdrawn, partial(_withdraw, now=now), go_on)
    with reading(engine) as session:
        idle = [lot.id for lot in _with_nothing_waiting(session)]
    _each(engine, idle, partial(_decide, now=now), go_on)
    with reading(engine) as session:
        left = left_behind(session)
    _each(engine, left, partial(release_left_behind, now=now), go_on)


def _each(engine: Engine, ids: list[UUID], act: Callable[[Session, UUID], None], go_on: Callable[[], None]) -> None:
    for each in ids:
        go_on()
        try:
            with writing(engine) as session:
                act(session, each)
        except Unavailable:
            raise
        except Exception:
            log.exception("the lot or submission %s can't be tidied up; the others go on", each)


def _close(session: Session, lot_id: UUID, *, now: datetime) -> None:
    lot = locked(session, Lot, lot_id)
    if lot is not None and lot.state is LotState.OPEN:
        close_lot(session, lot=lot, now=now, why="due")


def _withdraw(session: Session, submission_id: UUID, *, now: datetime) -> None:
    sample.withdraw_item(session, submission_id=submission_id, now=now)


def _with_nothing_waiting(session: Session) -> list[Lot]:
    """Return undecided lots that only wait for us: a look that failed for good must not hold them for ever."""
    waiting = select(LotItem.lot_id).where(col(LotItem.state).in_(sample.WAITING))
    undecided = select(Lot).where(
        col(Lot.state).in_([LotState.VALIDATING, LotState.RECTIFYING]), col(Lot.id).not_in(waiting)
    )
    return list(session.exec(undecided))


def _withdrawn_items(session: Session) -> list[UUID]:
    gone = (SubmissionState.WITHDRAWN, SubmissionState.VOID)
    return list(
        session.exec(
            select(LotItem.submission_id)
            .join(Lot, col(Lot.id) == col(LotItem.lot_id))
            .join(Submission, col(Submission.id) == col(LotItem.submission_id))
            .where(
                col(Lot.state).in_([LotState.VALIDATING, LotState.RECTIFYING]),
                col(Submission.state).in_(gone),
                col(LotItem.state).in_([ItemState.HELD, *sample.WAITING]),
            )
        )
    )


def _decide(session: Session, lot_id: UUID, *, now: datetime) -> None:
    from app.validation import outcome  # noqa: PLC0415  # scipy: not for a worker that only looks whether lots are due

    outcome.decide(session, lot=session.get_one(Lot, lot_id), now=now)
