"""Taking an item to validate: who may take what, and who was first. What holds a lease is in `leases`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import true, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, exists, or_, select

from app.actor import Actor, Role
from app.audit import service as audit
from app.db.locking import locked, locked_if_free
from app.errors import Conflict, NotAllowed, NotFound
from app.evidence.identity import has_recorded
from app.evidence.models import Involvement, Submission
from app.evidence.states import Part, SubmissionState
from app.review.models import Conflict as DeclaredConflict
from app.validation.models import ItemState, Lot, LotItem, LotState, Validation
from app.validation.rules import ValidatorFacts, why_not_validator

# How many waiting items one look considers; what is not for this validator is filtered in SQL but for rare cases.
LOOKED_AT = 500
VALIDATING = (Role.VALIDATOR, Role.LEAD_VALIDATOR)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sampled decision that a validator could take, with its lot and submission."""

    item: LotItem
    lot: Lot
    submission: Submission


def may_validate(actor: Actor, rubric_code: str) -> bool:
    """Say whether the person may validate work under this rubric."""
    return any(actor.may_judge(role, rubric_code) for role in VALIDATING)


def waiting_for(session: Session, *, actor: Actor, now: datetime) -> Sequence[Waiting]:
    """Return what this validator may take, oldest lot first, in the order of the draw.

    Nothing in the order or the answer says whether an item was drawn or mandatory.
    """
    rows = session.exec(
        select(LotItem, Lot, Submission)
        .join(Lot, col(Lot.id) == col(LotItem.lot_id))
        .join(Submission, col(Submission.id) == col(LotItem.submission_id))
        .where(
            Lot.organisation_id == actor.organisation_id,
            col(Lot.state).in_([LotState.VALIDATING, LotState.RECTIFYING]),
            Submission.state == SubmissionState.HELD,
            Lot.assessor_id != actor.person_id,
            Submission.candidate_id != actor.person_id,
            or_(LotItem.state == ItemState.SELECTED, _has_expired_lease(now)),
            ~_has_other_part(actor.person_id),
            _of_own_rubrics(actor),
        )
        .order_by(col(Lot.closed_at), col(LotItem.draw))
        .limit(LOOKED_AT)
    )
    found = [Waiting(item=item, lot=lot, submission=submission) for item, lot, submission in rows]
    return [each for each in found if why_not(session, actor=actor, waiting=each) is None]


def _of_own_rubrics(actor: Actor) -> Any:
    limits = [actor.rubrics.get(role) for role in VALIDATING if actor.has(role)]
    if any(limit is None for limit in limits):
        return true()
    return col(Lot.rubric_code).in_({code for limit in limits for code in limit or ()})


def _has_other_part(person_id: UUID) -> Any:
    return exists(
        select(Involvement.part).where(
            Involvement.submission_id == LotItem.submission_id,
            Involvement.person_id == person_id,
            Involvement.part != Part.VALIDATOR,
        )
    )


def _has_expired_lease(now: datetime) -> Any:
    lease = select(Validation.id).where(
        Validation.submission_id == LotItem.submission_id,
        col(Validation.ended_at).is_(None),
        Validation.state == ItemState.CLAIMED,
        Validation.expires_at <= now,
    )
    return (col(LotItem.state) == ItemState.CLAIMED) & exists(lease)


def why_not(session: Session, *, actor: Actor, waiting: Waiting) -> str | None:
    """Say why this person may not validate this item, or None (rule 1)."""
    submission = waiting.submission
    own = session.get(Involvement, (submission.id, actor.person_id))
    return why_not_validator(
        ValidatorFacts(
            validator_id=actor.person_id,
            candidate_id=submission.candidate_id,
            assessor_id=waiting.lot.assessor_id,
            has_other_part=own is not None and own.part is not Part.VALIDATOR,
            had_part_in_earlier_attempt=_judged_earlier_attempt(session, actor.person_id, submission),
            has_declared_conflict=session.get(DeclaredConflict, (submission.id, actor.person_id)) is not None,
            knows_the_candidate=has_recorded(session, submission.id, actor.person_id),
            administers=actor.has(Role.ADMINISTRATOR),
        )
    )


def _judged_earlier_attempt(session: Session, person_id: UUID, submission: Submission) -> bool:
    if submission.attempt == 1:
        return False
    return (
        session.exec(
            select(Involvement)
            .join(Submission, col(Submission.id) == col(Involvement.submission_id))
            .where(
                Involvement.person_id == person_id,
                Involvement.part != Part.VALIDATOR,
                Submission.candidate_id == submission.candidate_id,
                Submission.rubric_code == submission.rubric_code,
                Submission.attempt < submission.attempt,
            )
        ).first()
        is not None
    )


def claim_next(session: Session, *, actor: Actor, now: datetime, lease: timedelta) -> Validation | None:
    """Take the next item for this validator; None when nothing waits."""
    for waiting in waiting_for(session, actor=actor, now=now):
        submission = locked_if_free(session, Submission, waiting.submission.id)
        if submission is None or submission.state is not SubmissionState.HELD:
            continue  # somebody takes this one just now, or it has just come under investigation
        taken = _take(session, actor=actor, waiting=waiting, now=now, lease=lease)
        if taken is not None:
            return taken
    return None


def claim_this(session: Session, *, actor: Actor, submission_id: UUID, now: datetime, lease: timedelta) -> Validation:
    """Take one item. NotFound, NotAllowed (`separation-of-duties`), or Conflict when somebody was faster."""
    row = session.exec(
        select(LotItem, Lot, Submission)
        .join(Lot, col(Lot.id) == col(LotItem.lot_id))
        .join(Submission, col(Submission.id) == col(LotItem.submission_id))
        .where(
            LotItem.submission_id == submission_id,
            Lot.organisation_id == actor.organisation_id,
            col(Lot.state).in_([LotState.VALIDATING, LotState.RECTIFYING]),
            col(LotItem.state).in_([ItemState.SELECTED, ItemState.CLAIMED, ItemState.COMPARED]),
            Submission.state == SubmissionState.HELD,
        )
    ).first()
    if row is None or not may_validate(actor, row[1].rubric_code):
        raise NotFound("There is nothing at this address.")
    waiting = Waiting(item=row[0], lot=row[1], submission=row[2])
    submission = locked(session, Submission, submission_id)
    if submission is None or submission.state is not SubmissionState.HELD:
        raise NotFound("There is nothing at this address.")
    if reason := why_not(session, actor=actor, waiting=waiting):
        raise NotAllowed(reason, code="separation-of-duties")
    taken = _take(session, actor=actor, waiting=waiting, now=now, lease=lease)
    if taken is None:
        raise Conflict("Another validator has just taken this one.", code="already-claimed")
    return taken


def _take(session: Session, *, actor: Actor, waiting: Waiting, now: datetime, lease: timedelta) -> Validation | None:
    item, lot = waiting.item, waiting.lot
    _end_expired(session, item=item, now=now)
    taken = session.exec(
        update(LotItem)
        .where(
            col(LotItem.submission_id) == item.submission_id,
            col(LotItem.lot_id) == item.lot_id,
            col(LotItem.state) == ItemState.SELECTED,
        )
        .values(state=ItemState.CLAIMED)
    )
    if taken.rowcount != 1:
        return None
    _involve(session, actor=actor, submission_id=item.submission_id, now=now)
    validation = Validation(
        organisation_id=lot.organisation_id,
        lot_id=lot.id,
        submission_id=item.submission_id,
        validator_id=actor.person_id,
        draft=_own_draft(session, actor=actor, item=item),
        created_at=now,
        expires_at=now + lease,
    )
    session.add(validation)
    session.flush()
    record(session, validation, action="validation.claimed", now=now)
    return validation


def _own_draft(session: Session, *, actor: Actor, item: LotItem) -> dict[str, Any]:
    """Return what this validator left unfinished when an earlier lease on the item ended."""
    earlier = session.exec(
        select(Validation)
        .where(
            Validation.submission_id == item.submission_id,
            Validation.lot_id == item.lot_id,
            Validation.validator_id == actor.person_id,
        )
        .order_by(col(Validation.created_at).desc())
        .limit(1)
    ).first()
    return earlier.draft if earlier else {}


def _end_expired(session: Session, *, item: LotItem, now: datetime) -> None:
    """End a lease that ran out and make its item free again; the one whose UPDATE ends it goes on."""
    ended = session.exec(
        update(Validation)
        .where(
            col(Validation.submission_id) == item.submission_id,
            col(Validation.ended_at).is_(None),
            col(Validation.state) == ItemState.CLAIMED,
            col(Validation.expires_at) <= now,
        )
        .values(ended_at=now)
    )
    if ended.rowcount:
        set_free(session, submission_id=item.submission_id, lot_id=item.lot_id)


def set_free(session: Session, *, submission_id: UUID, lot_id: UUID) -> None:
    session.exec(
        update(LotItem)
        .where(
            col(LotItem.submission_id) == submission_id,
            col(LotItem.lot_id) == lot_id,
            col(LotItem.state) == ItemState.CLAIMED,
        )
        .values(state=ItemState.SELECTED)
    )


def _involve(session: Session, *, actor: Actor, submission_id: UUID, now: datetime) -> None:
    """Record the part in the submission; the primary key refuses a second, other part (rule 1)."""
    own = session.get(Involvement, (submission_id, actor.person_id))
    if own is not None and own.part is Part.VALIDATOR:
        return
    try:
        with session.begin_nested():
            session.add(
                Involvement(submission_id=submission_id, person_id=actor.person_id, part=Part.VALIDATOR, since=now)
            )
    except IntegrityError as error:
        raise NotAllowed(
            "You cannot validate a submission that you had another part in.", code="separation-of-duties"
        ) from error


def record(session: Session, validation: Validation, *, action: str, now: datetime) -> None:
    audit.append(
        session,
        action=action,
        subject=f"validation:{validation.id}",
        now=now,
        actor_id=validation.validator_id,
        organisation_id=validation.organisation_id,
        body={"submission": str(validation.submission_id), "lot": str(validation.lot_id)},
    )
