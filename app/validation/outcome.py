"""The end of a lot: accepted, or rejected and put right. Uses the posterior: jobs only, never the site.

Sources: DESIGN section 3 (lot), rules 6, 7 and 9; assessment-science 3.6 and 3.8.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.audit import service as audit
from app.db.locking import locked
from app.evidence.models import Submission
from app.frameworks.models import RubricVersion
from app.validation import posterior, release, sample
from app.validation.acceptance import faults_left
from app.validation.lots import assessor_state
from app.validation.models import AssessorState, ItemState, Lot, LotItem, LotState
from app.validation.plans import SamplingPlan
from app.validation.rules import LotFacts, LotVerdict, lot_verdict


def decide(session: Session, *, lot: Lot, now: datetime) -> None:
    """Decide a lot if it can be decided now; otherwise change nothing. Safe to run again and again.

    Everything that it looks at is locked first, submissions before the lot: no validator decides in between.
    """
    _lock(session, lot)
    if lot.state is LotState.VALIDATING:
        verdict = _verdict(session, lot)
        if verdict is LotVerdict.ACCEPTED:
            _accept(session, lot=lot, now=now)
        elif verdict is LotVerdict.REJECTED:
            _reject(session, lot=lot, now=now)
    if lot.state is LotState.RECTIFYING:
        _rectify(session, lot=lot, now=now)


def _lock(session: Session, lot: Lot) -> None:
    of_lot = select(LotItem.submission_id).where(LotItem.lot_id == lot.id)
    rows = select(Submission.id).where(col(Submission.id).in_(of_lot)).order_by(col(Submission.id))
    session.exec(rows.with_for_update(key_share=True)).all()
    locked(session, Lot, lot.id)


def _verdict(session: Session, lot: Lot) -> LotVerdict:
    items = sample.items_of(session, lot)
    faults, sampled = random_results(items)
    lot.faults = faults
    settings = SamplingPlan.model_validate(lot.plan).posterior
    belief = posterior.Belief(a=lot.prior["a"], b=lot.prior["b"]).after(faults=faults, sampled=sampled)
    return lot_verdict(
        LotFacts(
            faults=faults,
            accept=lot.accept or 0,
            waiting=sum(1 for item in items if item.state in sample.WAITING),
            belief_rejects=posterior.rejects_lot(belief, faults=faults, sampled=sampled, settings=settings),
        )
    )


def random_results(items: Sequence[LotItem]) -> tuple[int, int]:
    """Return faults and validated decisions of the random part: the only ones that enter rates (rule 9)."""
    drawn = [item for item in items if sample.RANDOM in (item.reasons or []) and item.state in sample.VALIDATED]
    return sum(1 for item in drawn if item.state is ItemState.OVERTURNED), len(drawn)


def _accept(session: Session, *, lot: Lot, now: datetime) -> None:
    if not _move(session, lot, LotState.VALIDATING, LotState.ACCEPTED, decided_at=now):
        return
    faults, sampled = random_results(sample.items_of(session, lot))
    if sampled:
        left = faults_left(lot=lot.size, sampled=sampled, faults=faults) - faults
        lot.reason = f"{faults} faults in {sampled}, up to {lot.accept} accept; at most {left} may be left (95 %)"
    _learn(session, lot=lot, faults=faults, sampled=sampled, now=now)
    _record(session, lot=lot, action="lot.accepted", now=now, faults=faults, sampled=sampled, secret=lot.secret)
    release.release_lot(session, lot=lot, now=now)


def _reject(session: Session, *, lot: Lot, now: datetime) -> None:
    """Reject, reveal, tighten, and have the rest of the lot validated: nothing is released before that is done."""
    if not _move(session, lot, LotState.VALIDATING, LotState.REJECTED, decided_at=now):
        return
    faults, sampled = random_results(sample.items_of(session, lot))
    by = f"{lot.reject_at} reject" if faults >= (lot.reject_at or 1) else "too likely a sign of bad work"
    lot.reason = f"{faults} faults in {sampled}: {by}; all of the lot is validated"
    state = _learn(session, lot=lot, faults=faults, sampled=sampled, now=now)
    state.body = {**state.body, str(lot.id): {"faults": faults, "sampled": sampled}}
    _record(session, lot=lot, action="lot.rejected", now=now, faults=faults, sampled=sampled, secret=lot.secret)
    for item in sample.items_of(session, lot):
        if item.state is ItemState.HELD:
            item.state = ItemState.SELECTED
    session.flush()
    _move(session, lot, LotState.REJECTED, LotState.RECTIFYING)
    _record(session, lot=lot, action="lot.rectifying", now=now)


def _rectify(session: Session, *, lot: Lot, now: datetime) -> None:
    items = sample.items_of(session, lot)
    if any(item.state in sample.WAITING for item in items):
        return
    if not _move(session, lot, LotState.RECTIFYING, LotState.RECTIFIED):
        return
    faults, sampled = random_results(items)
    lot.faults = faults
    _learn_the_rest(session, lot=lot, faults=faults, sampled=sampled, now=now)
    _record(session, lot=lot, action="lot.rectified", now=now, faults=faults, sampled=sampled)
    release.release_lot(session, lot=lot, now=now)


def _learn(session: Session, *, lot: Lot, faults: int, sampled: int, now: datetime) -> AssessorState:
    """Add results to what is believed of the assessor, and let the tier follow."""
    plan = SamplingPlan.model_validate(lot.plan)
    settings, first = plan.posterior, posterior.prior(plan.posterior)
    state = _state(session, lot=lot, plan=plan, now=now)
    held = posterior.Belief(a=first.a + state.faults, b=first.b + state.sampled - state.faults)
    belief = held.after(faults=faults, sampled=sampled)
    before, after = state.tier, posterior.next_tier(belief, tier=state.tier, settings=settings)
    carried = posterior.carried_on(belief, tier=after, settings=settings)
    state.faults = carried.a - first.a
    state.sampled = carried.a + carried.b - first.a - first.b
    if after is not before:
        state.tier, state.changed_at = after, now
        audit.append(
            session,
            action="tier.changed",
            subject=f"person:{lot.assessor_id}",
            now=now,
            organisation_id=lot.organisation_id,
            body={"lot": str(lot.id), "before": before, "after": after},
        )
    return state


def _learn_the_rest(session: Session, *, lot: Lot, faults: int, sampled: int, now: datetime) -> None:
    """Add the drawn items that were validated after the rejection; the results before it count already."""
    state = _state(session, lot=lot, plan=SamplingPlan.model_validate(lot.plan), now=now)
    counted = state.body.get(str(lot.id), {"faults": 0, "sampled": 0})
    state.body = {name: value for name, value in state.body.items() if name != str(lot.id)}
    if sampled > counted["sampled"]:
        _learn(session, lot=lot, faults=faults - counted["faults"], sampled=sampled - counted["sampled"], now=now)


def _state(session: Session, *, lot: Lot, plan: SamplingPlan, now: datetime) -> AssessorState:
    rubric = session.get_one(RubricVersion, lot.rubric_id)
    return assessor_state(session, assessor_id=lot.assessor_id, rubric=rubric, plan=plan, now=now)


def _move(session: Session, lot: Lot, before: LotState, after: LotState, **values: Any) -> bool:
    moved = session.exec(
        update(Lot).where(col(Lot.id) == lot.id, col(Lot.state) == before).values(state=after, **values)
    )
    session.refresh(lot)
    return moved.rowcount == 1


def _record(session: Session, *, lot: Lot, action: str, now: datetime, **body: Any) -> None:
    session.flush()
    audit.append(
        session,
        action=action,
        subject=f"lot:{lot.id}",
        now=now,
        organisation_id=lot.organisation_id,
        body=body,
    )
