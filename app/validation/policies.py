"""Stored sampling plans: publishing one, and which one holds for a rubric. Lots keep the plan they opened under."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.audit import service as audit
from app.validation.models import SamplingPlanVersion
from app.validation.plans import DEFAULT_PLAN, SamplingPlan


def set_plan(
    session: Session,
    *,
    organisation_id: UUID,
    rubric_code: str | None,
    plan: SamplingPlan,
    now: datetime,
    actor_id: UUID | None = None,
) -> SamplingPlanVersion:
    """Publish a plan for lots opened from now on; `rubric_code` None = every rubric without a plan of its own.

    Published versions never change. Setting what holds already changes nothing; a version number that is taken is
    raised to the next free one.
    """
    current = _newest(session, organisation_id=organisation_id, rubric_code=rubric_code)
    if current is not None and _same(SamplingPlan.model_validate(current.body), plan):
        return current
    version = max(plan.version, _highest_version(session, organisation_id, plan.id) + 1)
    stored = SamplingPlanVersion(
        organisation_id=organisation_id,
        rubric_code=rubric_code,
        plan_id=plan.id,
        version=version,
        body=plan.model_copy(update={"version": version}).model_dump(mode="json"),
        created_at=now,
    )
    session.add(stored)
    session.flush()
    audit.append(
        session,
        action="plan.published",
        subject=f"plan:{stored.id}",
        now=now,
        actor_id=actor_id,
        organisation_id=organisation_id,
        body={"plan_id": plan.id, "version": version, "rubric": rubric_code},
    )
    return stored


def plan_for(session: Session, *, organisation_id: UUID, rubric_code: str) -> SamplingPlan:
    """Return the rubric's own plan, else the organisation's, else the default."""
    own = _newest(session, organisation_id=organisation_id, rubric_code=rubric_code)
    found = own or _newest(session, organisation_id=organisation_id, rubric_code=None)
    return SamplingPlan.model_validate(found.body) if found else DEFAULT_PLAN


def _same(stored: SamplingPlan, wanted: SamplingPlan) -> bool:
    return stored.model_copy(update={"version": wanted.version}) == wanted


def _newest(session: Session, *, organisation_id: UUID, rubric_code: str | None) -> SamplingPlanVersion | None:
    statement = (
        select(SamplingPlanVersion)
        .where(
            SamplingPlanVersion.organisation_id == organisation_id,
            SamplingPlanVersion.rubric_code == rubric_code,
        )
        .order_by(col(SamplingPlanVersion.created_at).desc(), col(SamplingPlanVersion.version).desc())
    )
    return session.exec(statement.limit(1)).first()


def _highest_version(session: Session, organisation_id: UUID, plan_id: str) -> int:
    highest = session.exec(
        select(func.max(SamplingPlanVersion.version)).where(
            SamplingPlanVersion.organisation_id == organisation_id, SamplingPlanVersion.plan_id == plan_id
        )
    ).one()
    return highest or 0
