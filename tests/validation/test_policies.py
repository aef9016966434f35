"""Which stored plan holds, and that a published version never changes."""

from datetime import timedelta

from sqlmodel import select

from app.db.engine import reading, writing
from app.validation.models import SamplingPlanVersion
from app.validation.plans import DEFAULT_PLAN, SamplingPlan
from app.validation.policies import plan_for, set_plan
from tests.conftest import NOW
from tests.validation.stories import NO_PROBATION, PLAN


def put(house, engine, *, rubric=None, minutes=0, **changes):
    with writing(engine) as session:
        stored = set_plan(
            session,
            organisation_id=house.organisation.id,
            rubric_code=rubric,
            plan=SamplingPlan.model_validate(PLAN | changes),
            now=NOW + timedelta(minutes=minutes),
        )
        return stored.plan_id, stored.version


def holding(house, engine, rubric):
    with reading(engine) as session:
        return plan_for(session, organisation_id=house.organisation.id, rubric_code=rubric)


def test_the_default_holds_until_a_plan_is_set(house, engine):
    assert holding(house, engine, "teller-service-call") == DEFAULT_PLAN


def test_a_rubrics_own_plan_comes_before_the_organisations(house, engine):
    put(house, engine, rubric="teller-service-call", **NO_PROBATION)
    put(house, engine, minutes=1, id="house")
    assert holding(house, engine, "teller-service-call").id == "start-tomorrow"
    assert holding(house, engine, "presentation-skills").id == "house"


def test_the_same_plan_again_changes_nothing_and_another_gets_the_next_version(house, engine):
    assert put(house, engine) == ("start-tomorrow", 1)
    assert put(house, engine, minutes=1) == ("start-tomorrow", 1)
    assert put(house, engine, minutes=2, **NO_PROBATION) == ("start-tomorrow", 2)
    assert put(house, engine, minutes=3) == ("start-tomorrow", 3)
    assert holding(house, engine, "x").tiers["probation"] is not None
    with reading(engine) as session:
        bodies = session.exec(select(SamplingPlanVersion.body).order_by(SamplingPlanVersion.version)).all()
    assert [body["version"] for body in bodies] == [1, 2, 3]
