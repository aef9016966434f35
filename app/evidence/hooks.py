"""What domains above this one know and evidence needs: functions that `main` hands in, by name.

Evidence stands below review, validation and credentials and imports none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.actor import Actor
from app.evidence.models import Submission
from app.evidence.receipt_key import PublicKey, ReceiptKey

SERVICE = "evidence"  # the name in `Deps.services`
LeaseUntil = Callable[[Session, Actor, UUID, datetime], datetime | None]


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions from above.

    `lease_until`: when this person's live claim or validation of a submission ends, or None without one (rule 15).
    `result`: the released result in the shape of API 4.2, or None. `credential_id`: the live credential, or None.
    `withdrawn`: ends the claim and replaces the sampled item of a submission that was just withdrawn.
    `receipt_key`: the key of this deployment. `remember_key`: makes its public half known, once.
    """

    lease_until: LeaseUntil
    result: Callable[[Session, Submission], dict[str, Any] | None]
    credential_id: Callable[[Session, Submission], UUID | None]
    withdrawn: Callable[[Session, Submission, datetime], None]
    receipt_key: Callable[[], ReceiptKey]
    remember_key: Callable[[Session, PublicKey, datetime], None]
