"""The queue as an assessor sees it: what waits, without names (rule 11)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor
from app.evidence.models import Evidence, Submission
from app.evidence.states import JUDGED
from app.review.claims import waiting_submissions, why_not

TURNAROUND = timedelta(days=5)
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


def waiting(
    session: Session, *, actor: Actor, now: datetime, filters: Filters = Filters()
) -> list[QueueItem]:  # frozen
    """List what this assessor may claim, at most 200 items."""
    query = waiting_submissions(actor=actor, now=now)
    if filters.rubric:
        query = query.where(Submission.rubric_code == filters.rubric)
    if filters.language:
        query = query.where(Submission.language == filters.language)
    rows = [row for row in session.exec(query.limit(LIMIT)) if why_not(session, actor=actor, submission=row) is None]
    evidence = _evidence_of(session, [row.id for row in rows])
    items = [_item(row, evidence.get(row.id, []), now) for row in rows]
    if filters.kind:
        items = [item for item in items if filters.kind in item.kinds]
    return sorted(items, key=ORDERS.get(filters.sort or "", _oldest))


def _oldest(item: QueueItem) -> tuple[float, str]:
    return item.waiting_since.timestamp(), item.reference


def _newest(item: QueueItem) -> tuple[float, str]:
    return -item.waiting_since.timestamp(), item.reference


def _shortest(item: QueueItem) -> tuple[float, str]:
    return float(item.duration_ms or 0), item.reference


ORDERS: dict[str, Callable[[QueueItem], tuple[float, str]]] = {
    "oldest": _oldest,
    "newest": _newest,
    "shortest": _shortest,
}


def _evidence_of(session: Session, submission_ids: Sequence[UUID]) -> dict[UUID, list[Evidence]]:
    found: dict[UUID, list[Evidence]] = {}
    query = select(Evidence).where(col(Evidence.submission_id).in_(submission_ids), col(Evidence.state).in_(JUDGED))
    for each in session.exec(query.order_by(col(Evidence.position))):
        found.setdefault(each.submission_id, []).append(each)
    return found


def _item(row: Submission, evidence: list[Evidence], now: datetime) -> QueueItem:
    since = row.ready_at or row.submitted_at or now
    lengths = [each.duration_ms for each in evidence if each.duration_ms is not None]
    words = [each.words for each in evidence if each.words is not None]
    return QueueItem(
        submission_id=row.id,
        reference=row.reference,
        rubric_id=row.rubric_id,
        rubric_code=row.rubric_code,
        waiting_since=since,
        due_at=since + TURNAROUND,
        duration_ms=sum(lengths) if lengths else None,
        words=sum(words) if words else None,
        kinds=sorted({each.kind.value for each in evidence}),
        language=row.language,
        attempt=row.attempt,
        warnings=sorted({warning for each in evidence for warning in each.warnings}),
    )
