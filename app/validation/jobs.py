"""What workers do for validation: plain functions inside a job's last write unit. Needs scipy: not for the site."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.db.locking import locked
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.validation import sample
from app.validation.lots import close_lot, due_lots
from app.validation.models import ItemState, Lot, LotItem, LotState
from app.validation.release import release_left_behind


def decide_lot(session: Session, *, lot_id: UUID, now: datetime) -> None:
    """Job `validation.decide-lot`: accept, reject or rectify if the validated items allow it now."""
    _decide(session, lot=session.get_one(Lot, lot_id), now=now)


def close_due(session: Session, *, now: datetime) -> None:
    """Job `validation.close-due`: close lots whose time is over, and tidy up what other steps left to us.

    A submission may be withdrawn, or an integrity case cleared, by steps that know nothing of lots.
    """
    for lot in due_lots(session, now=now):
        locked(session, Lot, lot.id)
        if lot.state is LotState.OPEN:
            close_lot(session, lot=lot, now=now, why="due")
    for submission_id in _withdrawn_items(session):
        sample.withdraw_item(session, submission_id=submission_id, now=now)
    for lot in _with_nothing_waiting(session):
        _decide(session, lot=lot, now=now)
    release_left_behind(session, now=now)


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


def _decide(session: Session, *, lot: Lot, now: datetime) -> None:
    from app.validation import outcome  # noqa: PLC0415  # scipy: not for a worker that only looks whether lots are due

    outcome.decide(session, lot=lot, now=now)
