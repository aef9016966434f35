"""The life of a lot until it is closed: opened before the first decision, joined, closed when full, due or early.

The secret and its commitment are made when the lot opens, the draw when it closes (rule 7). Validation of a closed
lot is in `claims` and `decisions`, its end in `outcome`.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.assessments.models import Assessment, Decision
from app.audit import service as audit
from app.audit.models import AuditEvent
from app.db.locking import OTHERS_MAY_POINT, locked
from app.db.rows import add_if_new
from app.errors import Conflict
from app.evidence.models import Evidence, Submission
from app.evidence.states import Purpose
from app.frameworks.models import RubricVersion
from app.review.models import Claim
from app.validation import sample
from app.validation.draw import SECRET_BYTES, commitment, decision_key
from app.validation.models import AssessorState, Lot, LotItem, LotState
from app.validation.plans import DecisionFacts, SamplingPlan, effective_tier, mandatory_strata, why_not_usable
from app.validation.policies import plan_for

MILLISECOND = timedelta(milliseconds=1)


def ensure_open_lot(session: Session, *, assessor_id: UUID, rubric: RubricVersion, now: datetime) -> Lot:
    """Return the assessor's open lot for this rubric (major version), opened now where there is none.

    Called in the transaction of a claim, so that secret and commitment are older than any decision in the lot.
    """
    found = _open_lot(session, assessor_id=assessor_id, rubric=rubric)
    if found is not None:
        return found
    lot = _new_lot(session, assessor_id=assessor_id, rubric=rubric, now=now)
    try:
        with session.begin_nested():
            session.add(lot)
    except IntegrityError:  # another process opened it between our look and our insert
        found = _open_lot(session, assessor_id=assessor_id, rubric=rubric)
        if found is None:
            raise
        return found
    _record_opening(session, lot, now=now)
    return lot


def _open_lot(session: Session, *, assessor_id: UUID, rubric: RubricVersion) -> Lot | None:
    """Return the open lot under its lock: it can't be closed before a claim that counts on it is stored."""
    return session.exec(
        select(Lot)
        .where(
            Lot.assessor_id == assessor_id,
            Lot.organisation_id == rubric.organisation_id,
            Lot.rubric_code == rubric.code,
            Lot.rubric_major == rubric.major,
            Lot.state == LotState.OPEN,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()


def _new_lot(session: Session, *, assessor_id: UUID, rubric: RubricVersion, now: datetime) -> Lot:
    plan = plan_for(session, organisation_id=rubric.organisation_id, rubric_code=rubric.code)
    if reason := why_not_usable(plan):
        raise Conflict(reason, code="plan-not-usable")
    state = assessor_state(session, assessor_id=assessor_id, rubric=rubric, plan=plan, now=now)
    secret = secrets.token_bytes(SECRET_BYTES)
    return Lot(
        organisation_id=rubric.organisation_id,
        assessor_id=assessor_id,
        rubric_id=rubric.id,
        rubric_code=rubric.code,
        rubric_major=rubric.major,
        plan_id=plan.id,
        plan_version=plan.version,
        plan=plan.model_dump(mode="json"),
        tier=effective_tier(plan, state.tier),
        prior=prior_of(plan, state),
        commitment=commitment(secret),
        secret=secret.hex(),
        opened_at=now,
        opened_audit_seq=0,
        opened_audit_hash="",
        max_size=plan.lot.max_items,
    )


def _record_opening(session: Session, lot: Lot, *, now: datetime) -> None:
    """Publish the commitment; the lot gets to know its place in the audit trail when the unit is stored."""

    def keep_place(event: AuditEvent) -> None:
        lot.opened_audit_seq, lot.opened_audit_hash = event.seq, event.hash

    audit.append(
        session,
        action="lot.opened",
        subject=f"lot:{lot.id}",
        now=now,
        organisation_id=lot.organisation_id,
        body={"commitment": lot.commitment, "plan_id": lot.plan_id, "plan_version": lot.plan_version},
        then=keep_place,
    )


def assessor_state(
    session: Session, *, assessor_id: UUID, rubric: RubricVersion, plan: SamplingPlan, now: datetime
) -> AssessorState:
    """Return how the assessor is watched for this rubric, locked; a new major version starts anew."""
    key = (assessor_id, rubric.organisation_id, rubric.code, rubric.major)
    state = locked(session, AssessorState, key)
    if state is not None:
        return state
    first = AssessorState(
        assessor_id=assessor_id,
        organisation_id=rubric.organisation_id,
        rubric_code=rubric.code,
        rubric_major=rubric.major,
        tier=plan.first_tier,
        changed_at=now,
    )
    add_if_new(session, first)
    return session.get_one(AssessorState, key, with_for_update=OTHERS_MAY_POINT)


def prior_of(plan: SamplingPlan, state: AssessorState) -> dict[str, float]:
    """Return what is believed before a lot: Beta(a, b), the plan's prior and what earlier lots left."""
    return {
        "a": plan.posterior.prior_a + state.faults,
        "b": plan.posterior.prior_b + state.sampled - state.faults,
    }


def join_lot(session: Session, *, decision: Decision, now: datetime) -> Lot | None:
    """Put a decision into the lot of the person whose scores became the outcome (rule 8); close it when full.

    Called in the transaction that locks the decision. None for seeds and demonstrations: they are in no lot.
    """
    submission = session.get_one(Submission, decision.submission_id)
    if submission.purpose is not Purpose.CANDIDATE:
        return None
    assessment = session.get_one(Assessment, decision.assessment_id)
    rubric = session.get_one(RubricVersion, submission.rubric_id)
    lot, position = _take_place(session, assessor_id=assessment.assessor_id, rubric=rubric, now=now)
    plan = SamplingPlan.model_validate(lot.plan)
    state = assessor_state(session, assessor_id=assessment.assessor_id, rubric=rubric, plan=plan, now=now)
    facts = _facts(session, decision=decision, assessment=assessment, submission=submission, state=state)
    session.add(
        LotItem(
            submission_id=submission.id,
            lot_id=lot.id,
            decision_id=decision.id,
            attempt=submission.attempt,
            key=decision_key(submission_id=submission.id, attempt=submission.attempt),
            outcome=decision.outcome,
            strata=list(mandatory_strata(plan, facts)),
            position=position,
            joined_at=now,
        )
    )
    state.decisions += 1
    session.flush()
    if position == lot.max_size:
        close_lot(session, lot=lot, now=now, why="full")
    return lot


def _take_place(session: Session, *, assessor_id: UUID, rubric: RubricVersion, now: datetime) -> tuple[Lot, int]:
    """Take the next place in the open lot by one conditional UPDATE; a lot closed meanwhile has a successor."""
    for _ in range(3):
        lot = ensure_open_lot(session, assessor_id=assessor_id, rubric=rubric, now=now)
        age = timedelta(days=SamplingPlan.model_validate(lot.plan).lot.max_age_days)
        taken = session.exec(
            update(Lot)
            .where(col(Lot.id) == lot.id, col(Lot.state) == LotState.OPEN, col(Lot.size) < col(Lot.max_size))
            .values(size=Lot.size + 1, closes_at=func.coalesce(Lot.closes_at, now + age))
        )
        if taken.rowcount == 1:
            session.refresh(lot)
            return lot, lot.size
        session.refresh(lot)
    raise Conflict("The lot was closed just now. Please send again.")


def _facts(
    session: Session, *, decision: Decision, assessment: Assessment, submission: Submission, state: AssessorState
) -> DecisionFacts:
    earlier_of_rubric = session.exec(
        select(func.count())
        .select_from(LotItem)
        .join(Lot, col(Lot.id) == col(LotItem.lot_id))
        .where(
            Lot.organisation_id == submission.organisation_id,
            Lot.rubric_code == submission.rubric_code,
            Lot.rubric_major == submission.rubric_major,
        )
    ).one()
    claim = session.get_one(Claim, assessment.claim_id)
    media_ms = session.exec(select(func.sum(Evidence.duration_ms)).where(Evidence.submission_id == submission.id)).one()
    return DecisionFacts(
        earlier_of_assessor=state.decisions,
        earlier_of_rubric_major=earlier_of_rubric,
        attempt=submission.attempt,
        is_borderline=decision.borderline,
        has_level_override=assessment.supersedes is not None,
        scoring_ms=(assessment.locked_at - claim.created_at) // MILLISECOND,
        media_ms=media_ms,
    )


def close_lot(session: Session, *, lot: Lot, now: datetime, why: str, actor_id: UUID | None = None) -> None:
    """Close a lot and draw its sample (rule 7): sizes follow from its real size and the assessor's tier now.

    `why` is `full`, `due` or `early`. Conflict when it is closed already or nothing is in it.
    """
    locked(session, Lot, lot.id)
    if lot.size == 0:
        raise Conflict("Nothing is in this lot yet; it closes by itself after its first decisions.", code="lot-empty")
    closed = session.exec(
        update(Lot)
        .where(col(Lot.id) == lot.id, col(Lot.state) == LotState.OPEN)
        .values(state=LotState.VALIDATING, closed_at=now)
    )
    if closed.rowcount != 1:
        raise Conflict("This lot is closed already.", code="lot-closed")
    session.refresh(lot)
    rubric = session.get_one(RubricVersion, lot.rubric_id)
    plan = SamplingPlan.model_validate(lot.plan)
    state = assessor_state(session, assessor_id=lot.assessor_id, rubric=rubric, plan=plan, now=now)
    lot.tier, lot.prior = effective_tier(plan, state.tier), prior_of(plan, state)
    sample.draw_sample(session, lot=lot, now=now)
    audit.append(
        session,
        action="lot.closed",
        subject=f"lot:{lot.id}",
        now=now,
        actor_id=actor_id,
        organisation_id=lot.organisation_id,
        body={
            "why": why,
            "tier": lot.tier,
            "size": lot.size,
            "n": lot.sample_size,
            "accept": lot.accept,
            "reject_at": lot.reject_at,
        },
    )
    _open_successor(session, lot=lot, rubric=rubric, now=now)


def _open_successor(session: Session, *, lot: Lot, rubric: RubricVersion, now: datetime) -> None:
    """Open the next lot where its assessor holds work already: commitments are older than decisions (rule 7)."""
    held = session.exec(
        select(Claim.id)
        .join(Submission, col(Submission.id) == col(Claim.submission_id))
        .where(
            Claim.person_id == lot.assessor_id,
            col(Claim.ended_at).is_(None),
            Submission.organisation_id == lot.organisation_id,
            Submission.rubric_code == lot.rubric_code,
            Submission.rubric_major == lot.rubric_major,
        )
    ).first()
    if held is not None:
        ensure_open_lot(session, assessor_id=lot.assessor_id, rubric=rubric, now=now)


def due_lots(session: Session, *, now: datetime) -> Sequence[Lot]:
    """Return open lots whose time is over."""
    return session.exec(
        select(Lot).where(Lot.state == LotState.OPEN, col(Lot.closes_at) <= now).order_by(col(Lot.closes_at))
    ).all()
