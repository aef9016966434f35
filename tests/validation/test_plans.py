"""What a sampling plan means for a lot: sizes, acceptance numbers, mandatory strata."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.validation.plans import (
    DEFAULT_PLAN,
    DecisionFacts,
    IssuePolicy,
    SamplingPlan,
    Stratum,
    Tier,
    accept_number,
    adaptive_sizes,
    inclusion_probability,
    mandatory_strata,
    sample_size,
    why_not_usable,
)
from tests.assessments.test_rules import DEMO

BODY = DEMO["sampling_plans"][0]
PLAN = SamplingPlan.model_validate(BODY)


def test_the_demonstration_plans_are_read():
    assert [SamplingPlan.model_validate(each).id for each in DEMO["sampling_plans"]] == [
        "start-tomorrow",
        "national",
    ]


def test_without_a_plan_the_first_demonstration_plan_holds():
    assert DEFAULT_PLAN.model_copy(update={"title": PLAN.title}) == PLAN


def test_a_plan_that_needs_what_is_not_there_is_named():
    national = SamplingPlan.model_validate(DEMO["sampling_plans"][1])
    lookback = PLAN.model_copy(update={"issue_policy": IssuePolicy.RELEASE_UNSAMPLED_WITH_LOOKBACK})
    assert [why_not_usable(each) is None for each in (PLAN, national, lookback)] == [True, False, False]


def test_validating_all_draws_all():
    plan = PLAN.model_copy(update={"issue_policy": IssuePolicy.VALIDATE_ALL})
    assert adaptive_sizes(plan, tier=Tier.REDUCED, lot=25).n == 25


def test_a_plan_survives_being_stored():
    assert SamplingPlan.model_validate(PLAN.model_dump(mode="json")) == PLAN


@pytest.mark.parametrize(
    ("tier", "lot", "n", "accept"),
    [
        (Tier.PROBATION, 25, 25, 3),
        (Tier.NORMAL, 25, 7, 1),
        (Tier.NORMAL, 50, 13, 1),
        (Tier.NORMAL, 8, 3, 0),
        (Tier.NORMAL, 2, 2, 0),
        (Tier.TIGHTENED, 25, 13, 1),
        (Tier.TIGHTENED, 4, 4, 0),
        (Tier.REDUCED, 25, 3, 0),
        (Tier.REDUCED, 30, 3, 0),
        (Tier.FULL, 15, 15, 2),
        (Tier.PROBATION, 1, 1, 0),
    ],
)
def test_sizes_of_a_lot(tier, lot, n, accept):
    sizes = adaptive_sizes(PLAN, tier=tier, lot=lot)
    assert (sizes.n, sizes.accept, sizes.reject_at) == (n, accept, accept + 1)


@pytest.mark.parametrize(("n", "accept"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (24, 2), (25, 3)])
def test_acceptance_numbers(n, accept):
    assert accept_number(n=n, bad_rate=0.1) == accept


def test_ten_percent_of_thirty_is_three():
    assert sample_size(lot=30, rate=0.1, min_n=1) == 3


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1), st.integers(1, 30))
def test_size_grows_with_the_lot_and_never_exceeds_it(one, other, rate, min_n):
    small, large = sorted((one, other))
    few = sample_size(lot=small, rate=rate, min_n=min_n)
    many = sample_size(lot=large, rate=rate, min_n=min_n)
    assert few <= many
    assert min(small, min_n) <= few <= small


@given(st.integers(1, 200))
def test_a_closer_watch_never_draws_less(lot):
    order = (Tier.REDUCED, Tier.NORMAL, Tier.TIGHTENED, Tier.FULL)
    sizes = [adaptive_sizes(PLAN, tier=tier, lot=lot).n for tier in order]
    assert sizes == sorted(sizes)


@given(st.integers(1, 200), st.sampled_from(list(Tier)))
def test_chances_of_a_random_sample_add_up_to_its_size(lot, tier):
    n = adaptive_sizes(PLAN, tier=tier, lot=lot).n
    assert lot * inclusion_probability(lot=lot, n=n, is_mandatory=False) == n
    assert inclusion_probability(lot=lot, n=n, is_mandatory=True) == 1


def test_a_plan_may_have_no_probation():
    plan = SamplingPlan.model_validate(BODY | {"tiers": BODY["tiers"] | {"probation": None}})
    assert plan.first_tier is Tier.NORMAL
    assert adaptive_sizes(plan, tier=Tier.PROBATION, lot=25).n == 7


@pytest.mark.parametrize(
    "change",
    [
        {"tiers": {"probation": {"rate": 1.0, "min_n": 1}}},
        {"mandatory": ["full-moon"]},
        {"tiers": BODY["tiers"] | {"normal": {"rate": 25, "min_n": 3}}},
        {"surprise": 1},
        {"id": ""},
    ],
)
def test_a_plan_that_cannot_work_is_refused(change):
    with pytest.raises(ValidationError):
        SamplingPlan.model_validate(BODY | change)


def facts(**changed):
    ordinary = {"earlier_of_assessor": 20, "earlier_of_rubric_major": 5, "attempt": 1, "is_borderline": False}
    return DecisionFacts(**(ordinary | changed))


@pytest.mark.parametrize(
    ("changed", "strata"),
    [
        ({}, ()),
        ({"earlier_of_assessor": 19}, (Stratum.FIRST_20_OF_ASSESSOR,)),
        ({"earlier_of_rubric_major": 4}, (Stratum.FIRST_5_OF_RUBRIC_MAJOR,)),
        ({"is_borderline": True}, (Stratum.BORDERLINE,)),
        ({"attempt": 2}, (Stratum.SECOND_ATTEMPT,)),
        ({"scoring_ms": 39_999, "media_ms": 100_000}, (Stratum.FASTER_THAN_40_PERCENT,)),
        ({"scoring_ms": 40_000, "media_ms": 100_000}, ()),
        ({"scoring_ms": 10, "media_ms": None}, ()),
        ({"is_borderline": True, "has_appeal": True}, (Stratum.BORDERLINE, Stratum.APPEAL)),
    ],
)
def test_strata_of_a_decision(changed, strata):
    assert mandatory_strata(PLAN, facts(**changed)) == strata


def test_a_plan_without_strata_has_none():
    plan = SamplingPlan.model_validate(BODY | {"mandatory": []})
    assert mandatory_strata(plan, facts(earlier_of_assessor=0, is_borderline=True)) == ()
