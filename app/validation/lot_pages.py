"""What the pages of lots show: the list, and one lot with its sample, cut down to what the reader may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.models import Membership, Person
from app.actor import Actor, Role
from app.assessments.models import Decision
from app.errors import NotFound
from app.evidence.models import Involvement, Submission
from app.evidence.states import Outcome
from app.frameworks.rubric import rubric_of
from app.text import fold, in_language
from app.validation import sample
from app.validation.acceptance import faults_left
from app.validation.models import ItemState, Lot, LotItem, LotState
from app.validation.plans import SamplingPlan, adaptive_sizes
from app.validation.sight import blind_of, hidden, visible_to

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
    lines = [_line(session, lot, actor=actor, now=now, language=language) for lot in rows]
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


def _line(session: Session, lot: Lot, *, actor: Actor, now: datetime, language: str) -> LotLine:
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


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One decision of a lot. What this reader may not know is None."""

    submission_id: UUID
    reference: str
    attempt: int
    draw: float | None
    reasons: list[str] | None
    before: str | None
    after: str | None
    state: ItemState


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing now would do: at least so many would be drawn."""

    at_least: int
    may_close: bool


@dataclass(frozen=True, slots=True)
class PlanWords:
    """The plan, ready to be said."""

    id: str
    version: int
    engine: str
    rate_percent: float
    least: int
    aql: str | None
    level: str | None
    strata: list[str]
    fails_too: bool
    policy: str


@dataclass(frozen=True, slots=True)
class LotPage:
    """One lot."""

    line: LotLine
    lot_id: UUID
    opened_at: datetime
    closed_at: datetime | None
    rescored: list[ItemLine]
    others: list[ItemLine]
    random: int
    accept: int | None
    reject_at: int | None
    corrected: int
    left: int | None
    most_wrong: int | None
    commitment: str
    audit_seq: int
    secret: str | None
    plan: PlanWords
    closing: Closing | None
    is_own: bool


def lot_page(session: Session, *, actor: Actor, lot_id: UUID, now: datetime, language: str) -> LotPage:
    """Return one lot as this person may see it. NotFound for lots that they may not."""
    lot = visible_lot(session, actor=actor, lot_id=lot_id)
    items = sample.items_of(session, lot)
    line = _line(session, lot, actor=actor, now=now, language=language)
    lines = _item_lines(session, lot, items, actor)
    is_own = lot.assessor_id == actor.person_id
    knows = lot.state is not LotState.OPEN and not (is_own and lot.decided_at is None)
    drawn = [item for item in items if sample.RANDOM in (item.reasons or [])]
    done = sum(1 for item in drawn if item.state in sample.VALIDATED)
    is_accepted = lot.state is LotState.ACCEPTED
    most_wrong = faults_left(lot=lot.size, sampled=done, faults=line.faults or 0) if is_accepted else None
    corrected = sum(1 for item in items if item.state is ItemState.OVERTURNED) if knows else 0
    return LotPage(
        line=line,
        lot_id=lot.id,
        opened_at=lot.opened_at,
        closed_at=lot.closed_at,
        rescored=[each for each in lines if _is_sampled(each)],
        others=[each for each in lines if not _is_sampled(each)],
        random=len(drawn) if knows else 0,
        accept=lot.accept if knows else None,
        reject_at=lot.reject_at if knows else None,
        corrected=corrected,
        left=most_wrong - (line.faults or 0) if most_wrong is not None else None,
        most_wrong=most_wrong,
        commitment=lot.commitment,
        audit_seq=lot.opened_audit_seq,
        secret=lot.secret if lot.decided_at else None,
        plan=_plan_words(lot),
        closing=_closing(lot, actor),
        is_own=is_own,
    )


def visible_lot(session: Session, *, actor: Actor, lot_id: UUID) -> Lot:
    """Return a lot that this person may see. NotFound."""
    lot = session.exec(select(Lot).where(Lot.id == lot_id, visible_to(actor))).first()
    if lot is None:
        raise NotFound("There is nothing at this address.")
    return lot


def _is_sampled(line: ItemLine) -> bool:
    return bool(line.reasons) or line.state in (*sample.WAITING, *sample.VALIDATED)


def _item_lines(session: Session, lot: Lot, items: Sequence[LotItem], actor: Actor) -> list[ItemLine]:
    blind = blind_of(session, lot, actor)
    ids = [item.submission_id for item in items]
    references = {row.id: row.reference for row in session.exec(select(Submission).where(col(Submission.id).in_(ids)))}
    current = session.exec(
        select(Decision).where(col(Decision.submission_id).in_(ids), col(Decision.superseded_at).is_(None))
    )
    after = {row.submission_id: row.outcome for row in current}
    lines = [
        _item_line(
            item,
            hidden=hidden(lot, item, actor=actor, own_blind=blind),
            reference=references[item.submission_id],
            after=after.get(item.submission_id),
        )
        for item in items
    ]
    return sorted(lines, key=lambda line: (line.draw is None, line.draw or 0.0))


def _item_line(item: LotItem, *, hidden: dict[str, object], reference: str, after: Outcome | None) -> ItemLine:
    knows_outcome = "outcome" not in hidden
    knows_change = knows_outcome and "state" not in hidden
    return ItemLine(
        submission_id=item.submission_id,
        reference=reference,
        attempt=item.attempt,
        draw=None if "draw" in hidden else item.draw,
        reasons=None if "reasons" in hidden else item.reasons,
        before=item.outcome.value if knows_outcome else None,
        after=after.value if knows_change and after is not None and after is not item.outcome else None,
        state=ItemState(str(hidden.get("state", item.state))),
    )


def _plan_words(lot: Lot) -> PlanWords:
    plan = SamplingPlan.model_validate(lot.plan)
    rate = plan.tiers.get(lot.tier)
    return PlanWords(
        id=lot.plan_id,
        version=lot.plan_version,
        engine=plan.engine.value,
        rate_percent=100 * rate.rate if rate else 100.0,
        least=rate.min_n if rate else 1,
        aql=plan.random.aql if plan.random else None,
        level=plan.random.level if plan.random else None,
        strata=[stratum.value for stratum in plan.mandatory],
        fails_too=plan.sample_fails,
        policy=plan.issue_policy.value,
    )


def _closing(lot: Lot, actor: Actor) -> Closing | None:
    if lot.state is not LotState.OPEN:
        return None
    may = actor.may_judge(Role.LEAD_VALIDATOR, lot.rubric_code) and lot.assessor_id != actor.person_id and lot.size > 0
    sizes = adaptive_sizes(SamplingPlan.model_validate(lot.plan), tier=lot.tier, lot=lot.size) if lot.size else None
    return Closing(at_least=sizes.n if sizes else 0, may_close=may)
