"""What a candidate is told: the outcome that counts, the level and note of each criterion, the message."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.assessments.models import Assessment, Decision
from app.evidence.models import Submission
from app.evidence.states import SubmissionState


@dataclass(frozen=True, slots=True)
class Result:
    """A released result. `scores` as they were sent: criterion, level, note, moments."""

    outcome: str
    percent: str
    scores: list[dict[str, Any]]
    message: str
    released_at: datetime | None


def current_decision(session: Session, submission_id: UUID) -> Decision | None:
    """Return the decision that counts now, or None."""
    query = select(Decision).where(Decision.submission_id == submission_id, col(Decision.superseded_at).is_(None))
    return session.exec(query).first()


def released_result(session: Session, submission: Submission) -> Result | None:
    """Return the result once it is released; before that nobody outside the judging sees anything."""
    if submission.state is not SubmissionState.FINALISED:
        return None
    decision = current_decision(session, submission.id)
    if decision is None:
        return None
    assessment = session.get_one(Assessment, decision.assessment_id)
    return Result(
        outcome=decision.outcome.value,
        percent=decision.percent,
        scores=decision.scores,
        # The assessor's words would contradict an outcome that a validator changed: the reason for it stands instead.
        message=decision.reason or assessment.message,
        released_at=submission.released_at,
    )
