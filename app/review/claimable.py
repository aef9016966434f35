"""Who may claim what: the submissions that wait for an assessor, and why one of them may not be theirs (rule 1)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, or_, select

from app.actor import Actor, Role
from app.evidence.identity import has_recorded
from app.evidence.models import WAITING, Involvement, Submission
from app.evidence.states import Part, Purpose, SubmissionState
from app.review.models import Claim
from app.review.models import Conflict as DeclaredConflict
from app.review.rules import ClaimFacts, why_not_claimable


def waiting_submissions(*, actor: Actor, now: datetime) -> Any:
    """Return the query of what waits for this assessor, oldest first: ready, or claimed and expired."""
    expired = select(Claim.submission_id).where(col(Claim.ended_at).is_(None), col(Claim.expires_at) <= now)
    mine = select(Involvement.submission_id).where(
        Involvement.person_id == actor.person_id, Involvement.part != Part.FIRST
    )
    conflicts = select(DeclaredConflict.submission_id).where(DeclaredConflict.person_id == actor.person_id)
    query = select(Submission).where(
        Submission.organisation_id == actor.organisation_id,
        text(WAITING),
        or_(
            Submission.state == SubmissionState.READY,
            (col(Submission.state) == SubmissionState.IN_ASSESSMENT) & col(Submission.id).in_(expired),
        ),
        col(Submission.id).not_in(mine),
        col(Submission.id).not_in(conflicts),
        Submission.purpose != Purpose.DEMONSTRATION,
    )
    limit = actor.rubrics.get(Role.ASSESSOR)
    if limit is not None:
        query = query.where(col(Submission.rubric_code).in_(limit))
    return query.order_by(col(Submission.ready_at), col(Submission.id))


def why_not(session: Session, *, actor: Actor, submission: Submission) -> str | None:
    """Say why this person may not assess this submission, or None."""
    part = session.get(Involvement, (submission.id, actor.person_id))
    return why_not_claimable(
        ClaimFacts(
            is_candidate=submission.candidate_id == actor.person_id,
            has_other_part=part is not None and part.part is not Part.FIRST,
            validated_earlier_attempt=_validated_earlier(session, actor.person_id, submission),
            has_declared_conflict=session.get(DeclaredConflict, (submission.id, actor.person_id)) is not None,
            knows_the_candidate=has_recorded(session, submission.id, actor.person_id),
            administers=actor.has(Role.ADMINISTRATOR),
            is_qualified=actor.may_judge(Role.ASSESSOR, submission.rubric_code),
        )
    )


def _validated_earlier(session: Session, person_id: UUID, submission: Submission) -> bool:
    if submission.attempt == 1:
        return False
    earlier = (
        select(Involvement.submission_id)
        .join(Submission, col(Submission.id) == col(Involvement.submission_id))
        .where(
            Involvement.person_id == person_id,
            Involvement.part == Part.VALIDATOR,
            Submission.candidate_id == submission.candidate_id,
            Submission.rubric_code == submission.rubric_code,
        )
    )
    return session.exec(earlier).first() is not None
