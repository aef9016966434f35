"""What the page of one lot shows: its sample, cut down to what the reader may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.assessments.models import Decision
from app.errors import NotFound
from app.evidence.models import Submission
from app.evidence.states import Outcome
from app.validation import sample
from app.validation.acceptance import faults_left
from app.validation.lots_page import LotLine, lot_line
from app.validation.models import ItemState, Lot, LotItem, LotState
from app.validation.plans import SamplingPlan, adaptive_sizes
from app.validation.sight import blind_of, hidden, visible_to


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
    line = lot_line(session, lot, actor=actor, now=now, language=language)
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
