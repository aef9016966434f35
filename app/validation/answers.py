"""What the API says of lots and validations (API 4.5), cut down to what the reader may know.

An open lot shows nobody its draw. Its assessor sees no sample before the lot is decided (rule 7). Who may still have
to score an item blind sees neither its outcome nor why it was picked (rule 11).
"""

from typing import Any

from sqlmodel import Session

from app.accounts.models import Person
from app.actor import Actor
from app.evidence.models import Submission
from app.evidence.show import evidence_json, time_text
from app.evidence.submissions import evidence_of
from app.frameworks.api import rubric_json
from app.frameworks.models import RubricVersion
from app.validation import sample
from app.validation.models import Lot, LotItem, Validation
from app.validation.sight import blind_of, hidden


def lot_export(session: Session, lot: Lot) -> dict[str, Any]:
    """Return all there is to say of a lot, the secret apart: it is null until the lot is decided."""
    person = session.get_one(Person, lot.assessor_id)
    return {
        "id": str(lot.id),
        "assessor": {"id": str(person.id), "name": person.name},
        "rubric_id": str(lot.rubric_id),
        "rubric_code": lot.rubric_code,
        "state": lot.state,
        "plan": {
            "id": lot.plan_id,
            "version": lot.plan_version,
            "engine": lot.plan["engine"],
            "body": lot.plan,
        },
        "commitment": lot.commitment,
        "secret": lot.secret if lot.decided_at else None,
        "tier": lot.tier,
        "prior": lot.prior,
        "opened_at": time_text(lot.opened_at),
        "closes_at": time_text(lot.closes_at),
        "closed_at": time_text(lot.closed_at),
        "decided_at": time_text(lot.decided_at),
        "opened_audit": {"seq": lot.opened_audit_seq, "hash": lot.opened_audit_hash},
        "size": lot.size,
        "max_size": lot.max_size,
        "sample_size": lot.sample_size,
        "accept": lot.accept,
        "reject_at": lot.reject_at,
        "faults": lot.faults,
        "items": [_item(item) for item in sample.items_of(session, lot)],
        "reason": lot.reason,
    }


def lot_answer(session: Session, *, lot: Lot, actor: Actor) -> dict[str, Any]:
    """Return one lot as this person may see it."""
    answer = lot_export(session, lot)
    own_blind = blind_of(session, lot, actor)
    items = [
        _item(item) | hidden(lot, item, actor=actor, own_blind=own_blind) for item in sample.items_of(session, lot)
    ]
    is_own_undecided = lot.assessor_id == actor.person_id and lot.decided_at is None
    return answer | {"items": items, "faults": None if is_own_undecided else lot.faults}


def _item(item: LotItem) -> dict[str, Any]:
    return {
        "submission_id": str(item.submission_id),
        "attempt": item.attempt,
        "key": item.key,
        "outcome": item.outcome,
        "draw": item.draw,
        "sampled": item.sampled,
        "reasons": item.reasons,
        "mandatory": item.mandatory,
        "inclusion_probability": item.inclusion_probability,
        "state": item.state,
    }


def lease_answer(validation: Validation) -> dict[str, Any]:
    """Return a validator's lease, in the shape of a claim."""
    return {
        "id": str(validation.id),
        "submission_id": str(validation.submission_id),
        "lot_id": str(validation.lot_id),
        "expires_at": time_text(validation.expires_at),
        "version": validation.version,
        "state": validation.state,
    }


def validation_answer(session: Session, *, validation: Validation) -> dict[str, Any]:
    """Return all that a validator works with. The assessor's side is in `comparison`: null before the blind scores."""
    submission = session.get_one(Submission, validation.submission_id)
    is_blind = validation.comparison is None
    item = session.get_one(LotItem, (validation.submission_id, validation.lot_id))
    return lease_answer(validation) | {
        "reference": submission.reference,
        "language": submission.language,
        "attempt": submission.attempt,
        "identity": submission.identity.value,
        "other_people": submission.other_people,
        "rubric": rubric_json(session, session.get_one(RubricVersion, submission.rubric_id)),
        "evidence": evidence_json(session, evidence_of(session, submission.id), staff=True),
        "earlier": [],
        "draft": validation.draft,
        "reasons": None if is_blind else item.reasons,
        "comparison": validation.comparison,
        "decision": validation.decision,
        "reason": validation.reason,
        "final": validation.final,
        "decided_at": time_text(validation.decided_at),
    }


def listed(session: Session, *, validation: Validation) -> dict[str, Any]:
    """Return one line of a validator's list."""
    submission = session.get_one(Submission, validation.submission_id)
    return lease_answer(validation) | {
        "reference": submission.reference,
        "rubric_id": str(submission.rubric_id),
        "decision": validation.decision,
        "decided_at": time_text(validation.decided_at),
    }
