"""What domains above this one know and evidence needs: functions that `main` hands in, by name.

Evidence stands below review, validation and credentials and imports none of them. The plain values here are those of
a site that has none of these domains.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.actor import Actor
from app.evidence.models import Submission
from app.evidence.receipt_key import PublicKey

SERVICE = "evidence"  # the name in `Deps.services`


def _nobody(session: Session, actor: Actor, submission_id: UUID, now: datetime) -> datetime | None:
    return None


def _nothing(session: Session, submission: Submission) -> None:
    return None


def _no_end(session: Session, submission: Submission, now: datetime) -> None:
    return None


def _no_key(session: Session, key: PublicKey, now: datetime) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions from above.

    `lease_until`: when this person's live claim or validation of a submission ends, or None without one (rule 15).
    `result`: the released result in the shape of API 4.2, or None. `credential_id`: the live credential, or None.
    `withdrawn`: ends the claim and replaces the sampled item of a submission that was just withdrawn.
    `remember_key`: publishes the public half of a new receipt key.
    """

    lease_until: Callable[[Session, Actor, UUID, datetime], datetime | None] = _nobody
    result: Callable[[Session, Submission], dict[str, Any] | None] = _nothing
    credential_id: Callable[[Session, Submission], UUID | None] = _nothing
    withdrawn: Callable[[Session, Submission, datetime], None] = _no_end
    remember_key: Callable[[Session, PublicKey, datetime], None] = _no_key
