"""Other people who can be seen or heard in a recording: that there are none, or that each has agreed.

As little as possible is kept: a name or a role, how and when it was agreed. It stands in a table of its own and can be
erased; the audit trail holds a salted digest, judges see a number.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import rfc8785
from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.errors import FieldError, Invalid
from app.evidence.models import OtherPerson, Submission
from app.evidence.states import Agreed, EvidenceKind
from app.frameworks.rubric import EvidenceRequirement
from app.text import has_control_characters

SALT_BYTES = 16
MOST = 20
RECORDED = frozenset({EvidenceKind.VIDEO.value, EvidenceKind.AUDIO.value})


@dataclass(frozen=True, slots=True)
class GivenPerson:
    """Somebody else in the recording. `name` may be initials or a role: "customer"."""

    name: str
    agreed: Agreed
    agreed_on: date


def are_asked_for(needs: EvidenceRequirement) -> bool:
    """Say whether others may be in what the rubric asks for."""
    return bool(RECORDED & set(needs.kinds))


def keep(
    session: Session, submission: Submission, people: Collection[GivenPerson] | None, *, now: datetime
) -> dict[str, Any]:
    """Keep what the candidate says with this submit, in place of what was said before; the facts for the audit trail.

    None: nothing was said, and judges are told so. Invalid for a name that is none, or an agreement in the future.
    """
    erase(session, submission)
    submission.other_people = None if people is None else len(people)
    session.add(submission)
    rows = [_row(submission, each, now) for each in people or ()]
    session.add_all(rows)
    session.flush()
    return {"other_people": submission.other_people, "people": sorted(_digest(row) for row in rows)}


def erase(session: Session, submission: Submission) -> None:
    """Erase names and agreements; their number and the digests in the audit trail stay."""
    session.connection().execute(delete(OtherPerson).where(col(OtherPerson.submission_id) == submission.id))


def of(session: Session, submission: Submission) -> list[OtherPerson]:
    """Return what the candidate has said, for the candidate."""
    wanted = select(OtherPerson).where(OtherPerson.submission_id == submission.id)
    return list(session.exec(wanted.order_by(col(OtherPerson.name))))


def _row(submission: Submission, each: GivenPerson, now: datetime) -> OtherPerson:
    name = each.name.strip()
    if not name or has_control_characters(name):
        message = "Write a name, initials or a role for each person."
        raise Invalid(message, errors=(FieldError("people", message),))
    if each.agreed_on > now.date():
        message = "The day on which a person agreed can't be in the future."
        raise Invalid(message, errors=(FieldError("people", message),))
    return OtherPerson(
        submission_id=submission.id,
        name=name,
        agreed=each.agreed,
        agreed_on=each.agreed_on,
        salt=secrets.token_hex(SALT_BYTES),
        recorded_at=now,
    )


def _digest(row: OtherPerson) -> str:
    said = {"name": row.name, "agreed": row.agreed.value, "agreed_on": row.agreed_on.isoformat()}
    return hashlib.sha256(row.salt.encode() + rfc8785.dumps(said)).hexdigest()
