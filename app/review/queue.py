"""The queue as an assessor sees it: what waits, without names (rule 11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import false, func, literal, tuple_
from sqlmodel import Session, col, select

from app.accounts.calendar import Calendar, calendar_of
from app.actor import Actor
from app.errors import BadRequest
from app.evidence.models import Evidence, Submission
from app.evidence.processing import NOT_SCANNED
from app.evidence.states import JUDGED, EvidenceKind
from app.review.claimable import waiting_submissions, why_not

LIMIT = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What an assessor wants to see. `sort`: `oldest` (default), `newest`, `shortest`."""

    rubric: str | None = None
    language: str | None = None
    kind: str | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One submission that waits. `duration_ms` is null for texts alone; `warnings` are codes."""

    submission_id: UUID
    reference: str
    rubric_id: UUID
    rubric_code: str
    waiting_since: datetime
    due_at: datetime
    duration_ms: int | None
    words: int | None
    kinds: list[str]
    language: str
    attempt: int
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class QueueSlice:
    """Some of the queue in its order; `next` is where the rest begins, None at its end."""

    items: list[QueueItem]
    next: UUID | None


def waiting(
    session: Session, *, actor: Actor, now: datetime, filters: Filters = Filters()
) -> list[QueueItem]:  # frozen
    """List what this assessor may claim, the first 200 items."""
    return queue_slice(session, actor=actor, now=now, filters=filters, limit=LIMIT).items


def queue_slice(
    session: Session, *, actor: Actor, now: datetime, filters: Filters, limit: int, after: UUID | None = None
) -> QueueSlice:
    """List what this assessor may claim, from the submission `after` on. BadRequest for one that is not of the queue.

    A slice may hold fewer items than asked for although there is a next one: what earlier attempts forbid somebody
    is sorted out here, the rest in the database.
    """
    order = ORDERS.get(filters.sort or "", _by_time)
    query = _filtered(waiting_submissions(actor=actor, now=now).order_by(None), filters)
    if after is not None:
        query = query.where(_beyond(session, order, after, actor))
    columns = [column.desc() if order.newest_first else column for column in order.columns]
    rows = list(session.exec(query.order_by(*columns).limit(limit + 1)))
    allowed = [row for row in rows[:limit] if why_not(session, actor=actor, submission=row) is None]
    evidence = _evidence_of(session, [row.id for row in allowed])
    calendar = calendar_of(session, actor.organisation_id)
    items = [_item(row, evidence.get(row.id, []), now, calendar) for row in allowed]
    return QueueSlice(items, rows[limit - 1].id if len(rows) > limit else None)


def _filtered(query: Any, filters: Filters) -> Any:
    if filters.rubric:
        query = query.where(Submission.rubric_code == filters.rubric)
    if filters.language:
        query = query.where(Submission.language == filters.language)
    if filters.kind:
        kinds = {kind.value for kind in EvidenceKind}
        of_kind = select(Evidence.submission_id).where(
            Evidence.kind == filters.kind if filters.kind in kinds else false(), col(Evidence.state).in_(JUDGED)
        )
        query = query.where(col(Submission.id).in_(of_kind))
    return query


@dataclass(frozen=True, slots=True)
class _Order:
    """An order of the queue that ends with the id, so that no two submissions share a place."""

    columns: tuple[Any, ...]
    newest_first: bool = False


_length = func.coalesce(
    select(func.sum(Evidence.duration_ms))
    .where(Evidence.submission_id == Submission.id, col(Evidence.state).in_(JUDGED))
    .correlate(Submission)
    .scalar_subquery(),
    0,
)
_by_time = _Order((col(Submission.ready_at), col(Submission.id)))
ORDERS = {
    "oldest": _by_time,
    "newest": _Order(_by_time.columns, newest_first=True),
    "shortest": _Order((_length, col(Submission.id))),
}


def _beyond(session: Session, order: _Order, after: UUID, actor: Actor) -> Any:
    """Return the condition for what comes after a submission, which may have been claimed since."""
    own = (Submission.id == after, Submission.organisation_id == actor.organisation_id)
    place = session.exec(select(*order.columns).where(*own)).first()
    if place is None:
        raise BadRequest("This cursor is not one of ours.", code="bad-cursor")
    here = tuple_(*(literal(value, column.type) for value, column in zip(place, order.columns, strict=True)))
    return tuple_(*order.columns) < here if order.newest_first else tuple_(*order.columns) > here


def _evidence_of(session: Session, submission_ids: Sequence[UUID]) -> dict[UUID, list[Evidence]]:
    found: dict[UUID, list[Evidence]] = {}
    query = select(Evidence).where(col(Evidence.submission_id).in_(submission_ids), col(Evidence.state).in_(JUDGED))
    for each in session.exec(query.order_by(col(Evidence.position))):
        found.setdefault(each.submission_id, []).append(each)
    return found


def _item(row: Submission, evidence: list[Evidence], now: datetime, calendar: Calendar) -> QueueItem:
    since = row.ready_at or row.submitted_at or now
    lengths = [each.duration_ms for each in evidence if each.duration_ms is not None]
    words = [each.words for each in evidence if each.words is not None]
    return QueueItem(
        submission_id=row.id,
        reference=row.reference,
        rubric_id=row.rubric_id,
        rubric_code=row.rubric_code,
        waiting_since=since,
        due_at=calendar.after(since, calendar.judge_within),
        duration_ms=sum(lengths) if lengths else None,
        words=sum(words) if words else None,
        kinds=sorted({each.kind.value for each in evidence}),
        language=row.language,
        attempt=row.attempt,
        warnings=sorted({code for each in evidence for code in each.warnings if code != NOT_SCANNED}),
    )
