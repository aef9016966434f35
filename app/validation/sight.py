"""What a reader may know of lots and their items, the same for pages and the API.

An open lot shows nobody its draw. Its assessor sees no sample before the lot is decided (rule 7). Who may still have
to score an item blind sees neither its outcome nor why it was picked (rule 11).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.validation import sample
from app.validation.models import ItemState, Lot, LotItem, Validation

SEES_OUTCOMES = (Role.LEAD_VALIDATOR, Role.AUDITOR, Role.ISSUER, Role.ADMINISTRATOR)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition for lots that a person may see: their own, and those of rubrics that they watch."""
    conditions: list[ColumnElement[bool]] = []
    if actor.has(Role.ASSESSOR):
        conditions.append(col(Lot.assessor_id) == actor.person_id)
    for role in (Role.VALIDATOR, *SEES_OUTCOMES):
        if actor.has(role):
            limit = actor.rubrics.get(role)
            conditions.append(true() if limit is None else col(Lot.rubric_code).in_(limit))
    return and_(col(Lot.organisation_id) == actor.organisation_id, or_(false(), *conditions))


def blind_of(session: Session, lot: Lot, actor: Actor) -> frozenset[UUID]:
    """Return the submissions that this person holds and has not scored blind yet."""
    held = session.exec(
        select(Validation.submission_id).where(
            Validation.lot_id == lot.id,
            Validation.validator_id == actor.person_id,
            Validation.state == ItemState.CLAIMED,
            col(Validation.ended_at).is_(None),
        )
    )
    return frozenset(held)


def hidden(lot: Lot, item: LotItem, *, actor: Actor, own_blind: frozenset[UUID]) -> dict[str, Any]:
    """Return the fields of an item that this reader gets another value for."""
    if lot.assessor_id == actor.person_id and lot.decided_at is None:
        state = item.state if item.state is ItemState.WITHDRAWN else ItemState.HELD
        unknown = ("draw", "sampled", "reasons", "mandatory", "inclusion_probability")
        return dict.fromkeys(unknown) | {"state": state}
    is_done = item.state in (*sample.VALIDATED, ItemState.RELEASED)
    may_have_to_score = not actor.has(*SEES_OUTCOMES) and lot.assessor_id != actor.person_id
    if item.submission_id in own_blind or (may_have_to_score and not is_done):
        return {"outcome": None, "reasons": None, "mandatory": None, "inclusion_probability": None}
    return {}
