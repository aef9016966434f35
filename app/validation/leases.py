"""Holding an item: renewing, drafts, giving back. As with a claim, the id of a validation is its fence (rule 2)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.actor import Actor
from app.db.locking import locked
from app.errors import Conflict, NotFound
from app.evidence.models import Submission
from app.validation.claims import record, set_free
from app.validation.models import ItemState, Validation

COMPARING = timedelta(minutes=15)


def own_validation(session: Session, *, actor: Actor, validation_id: UUID) -> Validation:
    """Return a validation of this person; anybody else's is unknown."""
    found = session.get(Validation, validation_id)
    is_own = (
        found is not None and found.validator_id == actor.person_id and found.organisation_id == actor.organisation_id
    )
    if found is None or not is_own:
        raise NotFound("There is nothing at this address.")
    return found


def lease_until(session: Session, *, person_id: UUID, submission_id: UUID, now: datetime) -> datetime | None:
    """Return until when this person may read the submission's evidence as its validator, or None (rule 15).

    After the blind scores the lease can't be lost; media addresses are made for a short while at a time then.
    """
    live = session.exec(
        select(Validation).where(
            Validation.submission_id == submission_id,
            Validation.validator_id == person_id,
            col(Validation.ended_at).is_(None),
        )
    ).first()
    if live is None:
        return None
    if live.state is ItemState.COMPARED:
        return max(live.expires_at, now + COMPARING)
    return live.expires_at if live.expires_at > now else None


def renew(session: Session, *, actor: Actor, validation_id: UUID, now: datetime, lease: timedelta) -> Validation:
    """Extend a lease; one that ran out and that nobody took may be renewed too (rule 2)."""
    validation = own_validation(session, actor=actor, validation_id=validation_id)
    _change(session, validation, expires_at=now + lease)
    return validation


def save_draft(
    session: Session, *, actor: Actor, validation_id: UUID, version: int, parts: dict[str, Any]
) -> Validation:
    """Store what is unfinished, at the version that the validator last saw; a stale one gets the stored draft."""
    validation = own_validation(session, actor=actor, validation_id=validation_id)
    draft = {**validation.draft, **parts}
    saved = session.exec(
        update(Validation)
        .where(*_live(validation), col(Validation.version) == version)
        .values(version=version + 1, draft=draft)
    )
    session.refresh(validation)
    if saved.rowcount != 1:
        _refuse_ended(validation)
        raise Conflict(
            "This was changed in another window meanwhile.",
            code="stale-version",
            extra={"version": validation.version, "draft": validation.draft},
        )
    return validation


def give_back(session: Session, *, actor: Actor, validation_id: UUID, now: datetime) -> None:
    """End a lease; the item waits for a validator again. Not after the blind scores: they are final."""
    validation = own_validation(session, actor=actor, validation_id=validation_id)
    locked(session, Submission, validation.submission_id)
    _change(session, validation, ended_at=now)
    set_free(session, submission_id=validation.submission_id, lot_id=validation.lot_id)
    record(session, validation, action="validation.given-back", now=now)


def end_for_investigation(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End the live lease on a submission that is under investigation. Blind scores that are sent stay sent."""
    claimed = select(Validation).where(
        Validation.submission_id == submission_id,
        col(Validation.ended_at).is_(None),
        Validation.state == ItemState.CLAIMED,
    )
    for validation in session.exec(claimed).all():
        _change(session, validation, ended_at=now)
        set_free(session, submission_id=submission_id, lot_id=validation.lot_id)
        record(session, validation, action="validation.under-investigation", now=now)


def _live(validation: Validation) -> tuple[Any, ...]:
    return (
        col(Validation.id) == validation.id,
        col(Validation.ended_at).is_(None),
        col(Validation.state) == ItemState.CLAIMED,
    )


def _change(session: Session, validation: Validation, **values: Any) -> None:
    changed = session.exec(update(Validation).where(*_live(validation)).values(**values))
    session.refresh(validation)
    if changed.rowcount != 1:
        _refuse_ended(validation)


def _refuse_ended(validation: Validation) -> None:
    if validation.state is not ItemState.CLAIMED:
        raise Conflict("The blind scores are sent; what is left is the decision.", code="scores-sent")
    if validation.ended_at is not None:
        raise Conflict("Your time on this one ran out and somebody else took it.", code="claim-ended")
