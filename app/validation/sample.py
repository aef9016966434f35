"""Which decisions of a closed lot are validated: the draw, the mandatory strata, and what replaces a withdrawn one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.audit import service as audit
from app.db.locking import locked
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.jobs import catalog
from app.jobs.service import enqueue
from app.validation.draw import Draw, draw, smallest
from app.validation.models import ItemState, Lot, LotItem, LotState, Validation
from app.validation.plans import SamplingPlan, adaptive_sizes, inclusion_probability

RANDOM = "random"
# An item in one of these states still waits for a validator's decision.
WAITING = (ItemState.SELECTED, ItemState.CLAIMED, ItemState.COMPARED)
# These were decided by a validator.
VALIDATED = (ItemState.UPHELD, ItemState.OVERTURNED, ItemState.RETURNED_WITH_ADVICE)


def items_of(session: Session, lot: Lot) -> Sequence[LotItem]:
    """Return the decisions of a lot as they are now, in the order in which they joined."""
    rows = select(LotItem).where(LotItem.lot_id == lot.id).order_by(col(LotItem.position))
    return session.exec(rows.execution_options(populate_existing=True)).all()


def draw_sample(session: Session, *, lot: Lot, now: datetime) -> None:
    """Rank every decision of a lot that has just been closed, and select.

    The random part is the `n` smallest draws of those not withdrawn: a simple random sample of known size, so that
    each has the same chance and a larger n only adds.
    """
    items = items_of(session, lot)
    for item in items:
        item.draw = draw(bytes.fromhex(lot.secret), plan_id=lot.plan_id, plan_version=lot.plan_version, key=item.key).u
        if _is_gone(session, item):
            item.state = ItemState.WITHDRAWN
    present = [item for item in items if item.state is not ItemState.WITHDRAWN]
    _set_sizes(lot, of=len(present))
    chosen = _random_keys(lot, present)
    for item in items:
        _select(lot, item, is_random=item.key in chosen, size=len(present))
    session.flush()
    if not any(item.state is ItemState.SELECTED for item in items):
        ask_for_decision(session, lot=lot, cause="closed", now=now)


def _is_gone(session: Session, item: LotItem) -> bool:
    submission = session.get_one(Submission, item.submission_id)
    return submission.state in {SubmissionState.WITHDRAWN, SubmissionState.VOID}


def _set_sizes(lot: Lot, *, of: int) -> None:
    if of == 0:
        lot.sample_size, lot.accept, lot.reject_at, lot.reason = 0, 0, 1, "every submission was withdrawn"
        return
    sizes = adaptive_sizes(SamplingPlan.model_validate(lot.plan), tier=lot.tier, lot=of)
    lot.sample_size, lot.accept, lot.reject_at, lot.reason = sizes.n, sizes.accept, sizes.reject_at, sizes.reason


def _random_keys(lot: Lot, present: Sequence[LotItem]) -> frozenset[str]:
    draws = [Draw(key=item.key, u=item.draw or 0.0) for item in present]
    return frozenset(each.key for each in smallest(draws, lot.sample_size or 0))


def _select(lot: Lot, item: LotItem, *, is_random: bool, size: int) -> None:
    if item.state is ItemState.WITHDRAWN:
        item.sampled, item.reasons, item.mandatory, item.inclusion_probability = False, [], False, 0.0
        return
    item.mandatory = bool(item.strata)
    item.reasons = [RANDOM] * is_random + list(item.strata)
    item.sampled = bool(item.reasons)
    item.inclusion_probability = float(
        inclusion_probability(lot=size, n=lot.sample_size or 0, is_mandatory=item.mandatory)
    )
    item.state = ItemState.SELECTED if item.sampled else ItemState.HELD


def withdraw_item(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """Take a withdrawn submission out of its lot; the next smallest draw takes its place in the random part.

    An item that a validator has decided keeps its place: the result counts. In an open lot nothing happens
    before the draw, which leaves the withdrawn one out.
    """
    of_submission = select(LotItem.lot_id).where(LotItem.submission_id == submission_id)
    for lot_id in session.exec(of_submission).all():
        lot = locked(session, Lot, lot_id)  # a lot that is being closed at this moment has its draw afterwards
        item = locked(session, LotItem, (submission_id, lot_id))
        if lot is None or item is None or lot.state not in {LotState.VALIDATING, LotState.RECTIFYING}:
            continue
        if item.state in {ItemState.HELD, *WAITING}:
            _take_out(session, item=item, lot=lot, now=now)


def _take_out(session: Session, *, item: LotItem, lot: Lot, now: datetime) -> None:
    was_random = RANDOM in (item.reasons or [])
    session.exec(
        update(Validation)
        .where(col(Validation.submission_id) == item.submission_id, col(Validation.ended_at).is_(None))
        .values(ended_at=now)
    )
    item.state, item.sampled, item.reasons, item.mandatory = ItemState.WITHDRAWN, False, [], False
    items = items_of(session, lot)
    present = [each for each in items if each.state is not ItemState.WITHDRAWN]
    replacement = _replace(lot, present) if was_random else None
    if (lot.sample_size or 0) > len(present):
        _set_sizes(lot, of=len(present))
    session.flush()
    audit.append(
        session,
        action="lot.item-withdrawn",
        subject=f"lot:{lot.id}",
        now=now,
        organisation_id=lot.organisation_id,
        body={"key": item.key, "replaced_by": replacement.key if replacement else None},
    )
    ask_for_decision(session, lot=lot, cause=f"withdrawn:{item.key}", now=now)


def _replace(lot: Lot, present: Sequence[LotItem]) -> LotItem | None:
    chosen = _random_keys(lot, present)
    replacement = next((item for item in present if item.key in chosen and RANDOM not in (item.reasons or [])), None)
    if replacement is not None:
        replacement.reasons = [RANDOM, *replacement.strata]
        replacement.sampled = True
        if replacement.state is ItemState.HELD:
            replacement.state = ItemState.SELECTED
    return replacement


def ask_for_decision(session: Session, *, lot: Lot, cause: str, now: datetime) -> None:
    """Write the job that looks whether the lot can be decided. `cause` names the event: each event has its own look.

    Two validators who decide at the same moment don't see each other's rows; the later look sees both.
    """
    enqueue(
        session,
        catalog.DECIDE_LOT,
        job_id=f"{catalog.DECIDE_LOT.name}:{lot.id}:{cause}",
        args={"lot_id": str(lot.id)},
        now=now,
    )
