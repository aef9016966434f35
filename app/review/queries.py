"""What the queue shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor
from app.assessments.models import Assessment
from app.evidence.models import Evidence, Submission, Transcript
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import read_rubric, rubric_of
from app.review.ages import Age, Due, Urgency, age, due
from app.review.claims import live_claims
from app.review.models import Claim
from app.review.queue import Filters, QueueItem, waiting
from app.text import fold, in_language

WEEK = timedelta(days=7)
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for. `show` is `due-today`, `again` or nothing; `text` is searched for."""

    text: str = ""
    show: str = ""
    language: str = ""
    kind: str = ""
    sort: str = ""
    most: int = AT_ONCE


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One submission that waits."""

    submission_id: UUID
    reference: str
    title: str
    kinds: list[str]
    duration_ms: int | None
    words: int | None
    language: str
    attempt: int
    warnings: list[str]
    sent: Age
    due: Due


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter above the list: `name` and `value` go into the address."""

    name: str
    value: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Started:
    """A claim that this person holds."""

    claim_id: UUID
    reference: str
    title: str
    kind: str
    scored: int
    criteria: int
    minutes_left: int


@dataclass(frozen=True, slots=True)
class Week:
    """What this person judged in the last seven days."""

    judged: int
    median_minutes: int | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The queue of one assessor. `total` counts what waits before any filter."""

    wanted: Wanted
    total: int
    late: int
    due_today: int
    next_due: Due | None
    lines: list[QueueLine]
    more: int
    chips: list[Chip]
    started: list[Started]
    week: Week


def queue_page(session: Session, *, actor: Actor, now: datetime, wanted: Wanted, language: str) -> QueuePage:
    """Return what this assessor may take, as the address asks for it."""
    everything = waiting(session, actor=actor, now=now, filters=Filters(sort=wanted.sort or None))
    titles = _titles(session, {item.rubric_id for item in everything}, language)
    found = [item for item in everything if _matches(item, wanted, now)]
    if wanted.text:
        said = _said(session, [item.submission_id for item in found])
        found = [item for item in found if _says(item, titles[item.rubric_id], said, wanted.text)]
    dues = [due(item.due_at, now=now) for item in everything]
    return QueuePage(
        wanted=wanted,
        total=len(everything),
        late=sum(1 for each in dues if each.urgency is Urgency.LATE),
        due_today=sum(1 for each in dues if each.urgency is Urgency.TODAY),
        next_due=next(iter(sorted((each for each in dues if each.urgency is not Urgency.LATE), key=_soonest)), None),
        lines=[_line(item, titles[item.rubric_id], now) for item in found[: wanted.most]],
        more=max(0, len(found) - wanted.most),
        chips=_chips(everything, wanted, now),
        started=[_started(session, claim, language, now) for claim in live_claims(session, person_id=actor.person_id)],
        week=_week(session, actor=actor, now=now),
    )


def _soonest(each: Due) -> int:
    return each.hours


def _titles(session: Session, rubric_ids: set[UUID], language: str) -> dict[UUID, str]:
    rows = session.exec(select(RubricVersion).where(col(RubricVersion.id).in_(rubric_ids)))
    return {row.id: in_language(read_rubric(row).title, language) for row in rows}


def _matches(item: QueueItem, wanted: Wanted, now: datetime) -> bool:
    if wanted.language and item.language != wanted.language:
        return False
    if wanted.kind and wanted.kind not in item.kinds:
        return False
    if wanted.show == "due-today":
        return due(item.due_at, now=now).urgency is not Urgency.LATER
    return wanted.show != "again" or item.attempt > 1


def _said(session: Session, submission_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the words said in each of these submissions, folded for searching."""
    rows = session.exec(
        select(Evidence.submission_id, Transcript.body)
        .join(Transcript, col(Transcript.evidence_id) == col(Evidence.id))
        .where(col(Evidence.submission_id).in_(submission_ids))
    )
    said: dict[UUID, str] = {}
    for submission_id, body in rows:
        words = " ".join(segment["text"] for segment in body["segments"])
        said[submission_id] = said.get(submission_id, "") + " " + fold(words)
    return said


def _says(item: QueueItem, title: str, said: dict[UUID, str], text: str) -> bool:
    places = (item.reference, title, item.rubric_code)
    return any(fold(text) in fold(place) for place in places) or fold(text) in said.get(item.submission_id, "")


def _line(item: QueueItem, title: str, now: datetime) -> QueueLine:
    return QueueLine(
        submission_id=item.submission_id,
        reference=item.reference,
        title=title,
        kinds=item.kinds,
        duration_ms=item.duration_ms,
        words=item.words,
        language=item.language,
        attempt=item.attempt,
        warnings=item.warnings,
        sent=age(item.waiting_since, now=now),
        due=due(item.due_at, now=now),
    )


def _chips(items: list[QueueItem], wanted: Wanted, now: datetime) -> list[Chip]:
    """Return the filters that would leave something, and those that are chosen."""
    possible = [("show", "due-today"), ("show", "again")]
    possible += [("language", language) for language in sorted({item.language for item in items})]
    possible += [("kind", kind) for kind in sorted({kind for item in items for kind in item.kinds})]
    chips = []
    for name, value in possible:
        only = Wanted(**{name: value})  # type: ignore[arg-type]  # both fields are texts
        count = sum(1 for item in items if _matches(item, only, now))
        chosen = getattr(wanted, name) == value
        if chosen or 0 < count < len(items):
            chips.append(Chip(name, value, count, chosen))
    return chips


def _started(session: Session, claim: Claim, language: str, now: datetime) -> Started:
    submission = session.get_one(Submission, claim.submission_id)
    rubric = rubric_of(session, submission.rubric_id)
    kind = session.exec(
        select(Evidence.kind).where(Evidence.submission_id == submission.id).order_by(col(Evidence.position))
    ).first()
    scores = claim.draft.get("scores") or []
    return Started(
        claim_id=claim.id,
        reference=submission.reference,
        title=in_language(rubric.title, language),
        kind=str(kind or "text"),
        scored=sum(1 for score in scores if score.get("level") is not None),
        criteria=len(rubric.criteria),
        minutes_left=max(0, int((claim.expires_at - now).total_seconds() // 60)),
    )


def _week(session: Session, *, actor: Actor, now: datetime) -> Week:
    rows = session.exec(
        select(Claim.created_at, Assessment.locked_at)
        .join(Assessment, col(Assessment.claim_id) == col(Claim.id))
        .where(Assessment.assessor_id == actor.person_id, Assessment.locked_at >= now - WEEK)
    ).all()
    minutes = [(locked - started).total_seconds() / 60 for started, locked in rows]
    return Week(judged=len(rows), median_minutes=round(median(minutes)) if minutes else None)
