"""What the workstation of one claim shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor
from app.assessments.models import Assessment
from app.evidence.models import Submission
from app.frameworks.rubric import Rubric, rubric_of
from app.review.claims import own_claim
from app.review.judging import Judging, Lease, judging
from app.text import in_language


@dataclass(frozen=True, slots=True)
class EarlierLevel:
    """What a criterion was judged as in an earlier attempt."""

    title: str
    label: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A judgement of an earlier attempt, or the request for more in this one."""

    attempt: int
    outcome: str
    locked_at: datetime
    levels: list[EarlierLevel]
    message: str


@dataclass(frozen=True, slots=True)
class WorkstationPage:
    """The workstation of one claim."""

    claim_id: UUID
    judging: Judging
    earlier: list[Earlier]


def workstation_page(
    session: Session, *, actor: Actor, claim_id: UUID, now: datetime, language: str, lease_seconds: int
) -> WorkstationPage:
    """Return all that the workstation shows. NotFound for others' claims, Conflict for ended ones."""
    claim = own_claim(session, actor=actor, claim_id=claim_id)
    submission = session.get_one(Submission, claim.submission_id)
    lease = Lease(
        id=claim.id,
        path=f"/api/v1/claims/{claim.id}",
        version=claim.version,
        expires_at=claim.expires_at,
        seconds=lease_seconds,
        draft=claim.draft,
    )
    return WorkstationPage(
        claim_id=claim.id,
        judging=judging(session, submission=submission, lease=lease, language=language, now=now),
        earlier=_earlier(session, submission, language),
    )


def _earlier(session: Session, submission: Submission, language: str) -> list[Earlier]:
    """Return what was judged in earlier attempts. Other marks of this attempt stay hidden (rule 11)."""
    rubric = rubric_of(session, submission.rubric_id)
    family = select(Submission.id).where(
        Submission.candidate_id == submission.candidate_id,
        Submission.rubric_code == submission.rubric_code,
        Submission.attempt < submission.attempt,
    )
    returned = (col(Assessment.submission_id) == submission.id) & (col(Assessment.outcome) == "returned")
    rows = session.exec(
        select(Assessment)
        .where(col(Assessment.submission_id).in_(family) | returned, Assessment.outcome != "under-investigation")
        .order_by(col(Assessment.locked_at))
    )
    return [
        Earlier(row.attempt, row.outcome, row.locked_at, _levels(row.scores, rubric, language), row.message)
        for row in rows
    ]


def _levels(scores: list[dict[str, Any]], rubric: Rubric, language: str) -> list[EarlierLevel]:
    labels = {level.value: in_language(level.label, language) for level in rubric.scale}
    titles = {each.code: in_language(each.title, language) for each in rubric.criteria}
    return [
        EarlierLevel(
            titles.get(score["criterion"], score["criterion"]), labels.get(score["level"], str(score["level"]))
        )
        for score in scores
    ]
