"""The next attempt after `not-yet-competent` (rule 14): what was met is carried over as a suggestion."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.actor import Actor
from app.errors import Conflict
from app.evidence.models import Submission
from app.evidence.receipts import earlier_evidence
from app.evidence.states import Outcome, SubmissionState
from app.evidence.submissions import begin, record
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import Rubric, read_rubric


def resubmit(
    session: Session, *, submission: Submission, result: Mapping[str, Any] | None, actor: Actor, now: datetime
) -> Submission:
    """Begin the next attempt at the newest version of the rubric. `result` is the released one of this attempt."""
    if submission.state is not SubmissionState.FINALISED or result is None:
        raise Conflict("There is no result yet. You can try again once it says not yet competent.", code="not-decided")
    if result["outcome"] != Outcome.NOT_YET_COMPETENT:
        raise Conflict("You have reached this competence: there is nothing to repeat.", code="competent")
    if _has_follower(session, submission):
        raise Conflict("You have begun the next attempt already.", code="resubmitted")
    row = _newest(session, submission)
    following = begin(
        session,
        row,
        candidate_id=actor.person_id,
        language=submission.language,
        now=now,
        attempt=submission.attempt + 1,
        follows=submission.id,
    )
    rubric = read_rubric(row)
    if earlier_evidence(session, following, rubric, now):
        following.carried = carried(rubric, result, source=submission)
        session.add(following)
    record(session, following, "submission.created", now=now)
    return following


def carried(rubric: Rubric, result: Mapping[str, Any], *, source: Submission) -> list[dict[str, Any]]:
    """Return the levels that were met, with where they come from. Pure; nobody is bound by them."""
    levels = {each["code"]: each["level"] for each in result["criteria"]}
    return [
        {"criterion": criterion.code, "level": levels[criterion.code], "submission_id": str(source.id)}
        for criterion in rubric.criteria
        if levels.get(criterion.code, 0) >= max(1, criterion.min_level)
    ]


def _has_follower(session: Session, submission: Submission) -> bool:
    followers = select(Submission.id).where(
        Submission.follows == submission.id, col(Submission.state) != SubmissionState.WITHDRAWN
    )
    return session.exec(followers).first() is not None


def _newest(session: Session, submission: Submission) -> RubricVersion:
    rows = session.exec(
        select(RubricVersion).where(
            RubricVersion.organisation_id == submission.organisation_id,
            RubricVersion.code == submission.rubric_code,
            col(RubricVersion.published_at).is_not(None),
            col(RubricVersion.withdrawn_at).is_(None),
        )
    ).all()
    if not rows:
        raise Conflict("This rubric takes no new work any more. Ask your awarding body.", code="rubric-withdrawn")
    return max(rows, key=lambda row: [int(part) for part in row.version.split(".")])
