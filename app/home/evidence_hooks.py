"""What review, validation, assessments and credentials know that evidence needs (see `app.evidence.hooks`)."""

from datetime import datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from app.actor import Actor
from app.assessments.results import released_result
from app.credentials.models import Credential, SigningKey
from app.credentials.states import CredentialState
from app.db.rows import add_if_new
from app.evidence.hooks import Hooks
from app.evidence.models import Submission
from app.evidence.receipt_key import PublicKey, receipt_key
from app.evidence.show import time_text
from app.review import claims
from app.settings import Settings
from app.validation import leases
from app.validation.sample import withdraw_item

RECEIPT = "receipt"


def evidence_hooks(settings: Settings) -> Hooks:
    """Return the functions for one site. The receipt key is read once, at the first submit."""
    return Hooks(
        lease_until=lease_until,
        result=result_json,
        credential_id=credential_id,
        withdrawn=withdrawn,
        receipt_key=cache(partial(receipt_key, settings.keys)),
        remember_key=remember_key,
    )


def lease_until(session: Session, actor: Actor, submission_id: UUID, now: datetime) -> datetime | None:
    """Return when this person's live claim or validation of a submission ends; None without one or after it."""
    ends = (
        claims.lease_until(session, person_id=actor.person_id, submission_id=submission_id),
        leases.lease_until(session, person_id=actor.person_id, submission_id=submission_id, now=now),
    )
    return max((end for end in ends if end is not None and end > now), default=None)


def result_json(session: Session, submission: Submission) -> dict[str, Any] | None:
    """Return the released result in the shape of API 4.2."""
    result = released_result(session, submission)
    if result is None:
        return None
    return {
        "outcome": result.outcome,
        "percent": result.percent,
        "criteria": [
            {
                "code": score["criterion"],
                "level": score["level"],
                "note": score.get("note", ""),
                "moments": score.get("moments", []),
            }
            for score in result.scores
        ],
        "message": result.message,
        "released_at": time_text(result.released_at),
    }


def credential_id(session: Session, submission: Submission) -> UUID | None:
    """Return the live credential of a submission."""
    live = select(Credential.id).where(
        Credential.submission_id == submission.id, Credential.state != CredentialState.SUPERSEDED
    )
    return session.exec(live).first()


def withdrawn(session: Session, submission: Submission, now: datetime) -> None:
    """End the claim on a withdrawn submission, and let the next smallest draw take its place in a sample."""
    claims.end_for_withdrawal(session, submission_id=submission.id, now=now)
    withdraw_item(session, submission_id=submission.id, now=now)


def remember_key(session: Session, key: PublicKey, now: datetime) -> None:
    """Keep the public half of the receipt key, so that anybody can check receipts later."""
    if session.get(SigningKey, key.kid) is None:
        row = SigningKey(kid=key.kid, purpose=RECEIPT, public_multibase=key.multibase, created_at=now)
        add_if_new(session, row)
