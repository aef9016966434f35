"""What the page of a validator's own sample shows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, or_, select

from app.actor import Actor
from app.evidence.models import Submission
from app.frameworks.rubric import rubric_of
from app.text import in_language
from app.validation import claims
from app.validation.lots_page import lot_number
from app.validation.models import ItemState, Lot, Validation

RECENT = 30


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One validation of mine."""

    id: UUID
    reference: str
    title: str
    lot: str
    state: ItemState
    scored: int
    criteria: int
    minutes_left: int
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class SamplePage:
    """What waits for me, what I hold, what I decided."""

    waiting: int
    held: list[SampleLine]
    decided: list[SampleLine]


def sample_page(session: Session, *, actor: Actor, now: datetime, language: str) -> SamplePage:
    """Return this validator's work."""
    rows = session.exec(
        select(Validation)
        .where(
            Validation.validator_id == actor.person_id,
            Validation.organisation_id == actor.organisation_id,
            or_(col(Validation.ended_at).is_(None), col(Validation.decision).is_not(None)),
        )
        .order_by(col(Validation.created_at).desc())
        .limit(RECENT)
    ).all()
    lines = [_line(session, row, now, language) for row in rows]
    return SamplePage(
        waiting=len(claims.waiting_for(session, actor=actor, now=now)),
        held=[line for line in lines if line.decided_at is None],
        decided=[line for line in lines if line.decided_at is not None],
    )


def _line(session: Session, row: Validation, now: datetime, language: str) -> SampleLine:
    submission = session.get_one(Submission, row.submission_id)
    rubric = rubric_of(session, submission.rubric_id)
    scores = row.draft.get("scores") or []
    return SampleLine(
        id=row.id,
        reference=submission.reference,
        title=in_language(rubric.title, language),
        lot=lot_number(session.get_one(Lot, row.lot_id)),
        state=row.state,
        scored=sum(1 for score in scores if score.get("level") is not None),
        criteria=len(rubric.criteria),
        minutes_left=max(0, int((row.expires_at - now).total_seconds() // 60)),
        decided_at=row.decided_at,
    )
