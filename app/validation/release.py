"""Releasing decisions from their lot (rule 6): competent ones get a credential, the others may try again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, exists, select

from app.assessments.models import Decision
from app.assessments.rules import Vacs
from app.audit import service as audit
from app.evidence.models import Submission, SubmissionConsent
from app.evidence.states import Outcome, SubmissionState
from app.jobs import catalog
from app.jobs.service import enqueue
from app.validation.models import ItemState, Lot, LotItem, LotState

DECIDED_LOTS = (LotState.ACCEPTED, LotState.RECTIFIED)


def release_lot(session: Session, *, lot: Lot, now: datetime) -> None:
    """Release everything in a lot that has just been accepted or rectified."""
    for item in session.exec(select(LotItem).where(LotItem.lot_id == lot.id).order_by(col(LotItem.position))).all():
        release_item(session, lot=lot, item=item, now=now)


def release_item(session: Session, *, lot: Lot, item: LotItem, now: datetime) -> bool:
    """Release one decision; False when it is not held any more (withdrawn, under investigation, released).

    Whoever runs this twice releases once: the state of the submission decides, and the job has one id.
    """
    if item.state is ItemState.WITHDRAWN:
        return False
    released = session.exec(
        update(Submission)
        .where(
            col(Submission.id) == item.submission_id,
            col(Submission.state) == SubmissionState.HELD,
            ~_has_withdrawn_consent(),
        )
        .values(state=SubmissionState.FINALISED, released_at=now)
    )
    if released.rowcount != 1:
        return False
    if item.state is ItemState.HELD:
        item.state = ItemState.RELEASED
    decision = session.exec(
        select(Decision).where(Decision.submission_id == item.submission_id, col(Decision.superseded_at).is_(None))
    ).one()
    _issue(session, decision=decision, now=now)
    audit.append(
        session,
        action="submission.released",
        subject=f"submission:{item.submission_id}",
        now=now,
        organisation_id=lot.organisation_id,
        body={"lot": str(lot.id), "outcome": decision.outcome},
    )
    return True


def _has_withdrawn_consent() -> Any:
    return exists(
        select(SubmissionConsent.submission_id).where(
            SubmissionConsent.submission_id == Submission.id, col(SubmissionConsent.withdrawn_at).is_not(None)
        )
    )


def _issue(session: Session, *, decision: Decision, now: datetime) -> None:
    """Start a credential for a competent outcome with all gates open."""
    if decision.outcome is not Outcome.COMPETENT or not Vacs(**decision.vacs).all_yes:
        return
    enqueue(
        session,
        catalog.ISSUE,
        job_id=f"{catalog.ISSUE.name}:{decision.submission_id}",
        args={"submission_id": str(decision.submission_id)},
        now=now,
    )


def left_behind(session: Session) -> list[UUID]:
    """Return submissions that became free after their lot was decided, such as by a cleared integrity case."""
    return list(session.exec(_left_behind(col(Submission.id))))


def release_left_behind(session: Session, submission_id: UUID, *, now: datetime) -> None:
    """Release one of them."""
    for item, lot in session.exec(_left_behind(LotItem, Lot).where(Submission.id == submission_id)).all():
        release_item(session, lot=lot, item=item, now=now)


def _left_behind(*wanted: Any) -> Any:
    return (
        select(*wanted)
        .select_from(LotItem)
        .join(Lot, col(Lot.id) == col(LotItem.lot_id))
        .join(Submission, col(Submission.id) == col(LotItem.submission_id))
        .where(col(Lot.state).in_(DECIDED_LOTS), Submission.state == SubmissionState.HELD)
        .order_by(col(Submission.id))
    )
