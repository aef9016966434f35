"""What the pages of lots show: the list, and one lot with its sample, cut down to what the reader may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.models import Membership, Person
from app.actor import Actor, Role
from app.evidence.models import Involvement
from app.frameworks.rubric import rubric_of
from app.text import fold, in_language
from app.validation import sample
from app.validation.models import ItemState, Lot, LotItem, LotState
from app.validation.sight import visible_to

LATE_AFTER = timedelta(days=10)
DECIDED = (LotState.ACCEPTED, LotState.RECTIFIED)
FAULTY = (LotState.REJECTED, LotState.RECTIFYING)
MOST = 200


@dataclass(frozen=True, slots=True)
class LotLine:
    """One lot in the list. `faults` is None where this reader may not know it yet."""

    id: UUID
    number: str
    assessor: str
    title: str
    state: LotState
    tier: str
    size: int
    max_size: int
    days: int
    closes_at: datetime | None
    decided_at: datetime | None
    rescored: int
    sampled: int
    faults: int | None
    accept: int | None
    nobody_free: bool
    late: bool

    @property
    def group(self) -> str:
        """Which filter of the list it belongs to."""
        if self.state is LotState.OPEN:
            return "open"
        return "decided" if self.state in DECIDED else "validating"

    @property
    def needs_somebody(self) -> bool:
        return self.nobody_free or self.state in FAULTY or self.late


@dataclass(frozen=True, slots=True)
class LotsPage:
    """The lots that this person may see; `counts` by filter."""

    lines: list[LotLine]
    counts: dict[str, int]
    show: str
    text: str
    alarms: list[LotLine]


def lots_page(session: Session, *, actor: Actor, now: datetime, show: str, text: str, language: str) -> LotsPage:
    """Return the lots, undecided ones first."""
    rows = session.exec(select(Lot).where(visible_to(actor)).order_by(col(Lot.opened_at).desc()).limit(MOST)).all()
    lines = [lot_line(session, lot, actor=actor, now=now, language=language) for lot in rows]
    lines.sort(key=lambda line: (line.state in DECIDED, not line.needs_somebody, -line.days))
    counts = {"": len(lines), "needs": sum(line.needs_somebody for line in lines)}
    counts |= {group: sum(line.group == group for line in lines) for group in ("open", "validating", "decided")}
    shown = [line for line in lines if _is_shown(line, show) and _says(line, text)]
    alarms = [line for line in lines if line.needs_somebody] if actor.has(Role.LEAD_VALIDATOR) else []
    return LotsPage(lines=shown, counts=counts, show=show, text=text, alarms=alarms)


def _is_shown(line: LotLine, show: str) -> bool:
    return not show or (line.needs_somebody if show == "needs" else line.group == show)


def _says(line: LotLine, text: str) -> bool:
    return not text or any(fold(text) in fold(place) for place in (line.number, line.assessor, line.title))


def lot_number(lot: Lot) -> str:
    """Name a lot for people: by the audit entry of its opening, which anybody can look up."""
    return f"L-{lot.opened_audit_seq:04d}"


def lot_line(session: Session, lot: Lot, *, actor: Actor, now: datetime, language: str) -> LotLine:
    items = sample.items_of(session, lot)
    is_secret = lot.assessor_id == actor.person_id and lot.decided_at is None
    validating = lot.state in (LotState.VALIDATING, LotState.RECTIFYING)
    return LotLine(
        id=lot.id,
        number=lot_number(lot),
        assessor=session.get_one(Person, lot.assessor_id).name,
        title=in_language(rubric_of(session, lot.rubric_id).title, language),
        state=lot.state,
        tier=lot.tier.value,
        size=lot.size,
        max_size=lot.max_size,
        days=(now - lot.opened_at).days,
        closes_at=lot.closes_at,
        decided_at=lot.decided_at,
        rescored=0 if is_secret else sum(item.state in sample.VALIDATED for item in items),
        sampled=0 if is_secret else sum(item.sampled or item.state in sample.WAITING for item in items),
        faults=None if is_secret or lot.state is LotState.OPEN else _faults(items),
        accept=lot.accept,
        nobody_free=validating and actor.has(Role.LEAD_VALIDATOR) and _nobody_is_free(session, lot, items, now),
        late=lot.state not in DECIDED and now - lot.opened_at > LATE_AFTER,
    )


def _faults(items: Sequence[LotItem]) -> int:
    return sum(1 for item in items if sample.RANDOM in (item.reasons or []) and item.state is ItemState.OVERTURNED)


def _nobody_is_free(session: Session, lot: Lot, items: Sequence[LotItem], now: datetime) -> bool:
    """Say whether an item waits that no validator of the organisation may take (rule 1)."""
    able = _validators(session, lot, now)
    waiting = [item.submission_id for item in items if item.state is ItemState.SELECTED]
    parts = session.exec(select(Involvement).where(col(Involvement.submission_id).in_(waiting))).all()
    return any(not able - {part.person_id for part in parts if part.submission_id == each} for each in waiting)


def _validators(session: Session, lot: Lot, now: datetime) -> set[UUID]:
    rows = session.exec(
        select(Membership).where(
            Membership.organisation_id == lot.organisation_id,
            col(Membership.role).in_([Role.VALIDATOR, Role.LEAD_VALIDATOR]),
        )
    )
    return {
        row.person_id
        for row in rows
        if (row.until is None or row.until > now) and (row.rubrics is None or lot.rubric_code in row.rubrics)
    } - {lot.assessor_id}
