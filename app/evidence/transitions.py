"""Moving a submission from one state to another: one conditional UPDATE and one audit row (DESIGN section 3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from app.audit.service import append
from app.evidence.models import Submission
from app.evidence.states import SubmissionState


@dataclass(frozen=True, slots=True)
class Move:
    """One edge of the state machine: `came_from` are the states that it may begin in."""

    to: SubmissionState
    came_from: Collection[SubmissionState]
    action: str


def move(
    session: Session,
    submission: Submission,
    edge: Move,
    *,
    now: datetime,
    actor_id: UUID | None = None,
    body: dict[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Take the edge if the submission is still in one of its states; False (nothing changed) when it is not.

    `values` are further columns of the same UPDATE. The object is brought up to date.
    """
    session.flush()
    wanted = (col(Submission.id) == submission.id, col(Submission.state).in_(edge.came_from))
    moved = session.connection().execute(update(Submission).where(*wanted).values(state=edge.to, **values))
    before = submission.state
    session.refresh(submission)
    if moved.rowcount != 1:
        return False
    append(
        session,
        action=edge.action,
        subject=f"submission:{submission.id}",
        now=now,
        actor_id=actor_id,
        organisation_id=submission.organisation_id,
        body={"from": before.value, "to": edge.to.value, **(body or {})},
    )
    return True
