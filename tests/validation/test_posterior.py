"""The tables of P_bad, release and rejection, and the tier that follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.validation.plans import PosteriorPart, Tier
from app.validation.posterior import Belief, carried_on, faded, fit_prior, next_tier, prior, rejects_lot

SETTINGS = PosteriorPart()
PRIOR = prior(SETTINGS)


def p_bad(faults, sampled):
    return PRIOR.after(faults=faults, sampled=sampled).p_bad(0.1)


@pytest.mark.parametrize(
    ("faults", "sampled", "chance", "mean"),
    [
        (0, 0, 0.3874, 0.1),
        (0, 10, 0.1351, 0.05),
        (0, 20, 0.0471, 0.0333),
        (2, 20, 0.4350, 0.1),
        (5, 20, 0.9363, 0.2),
        (1, 25, 0.1329, 0.0571),
        (5, 50, 0.4541, 0.1),
        (3, 12, 0.8480, 0.1818),
        (2, 30, 0.2378, 0.075),
    ],
)
def test_p_bad_and_mean(faults, sampled, chance, mean):
    belief = PRIOR.after(faults=faults, sampled=sampled)
    assert belief.p_bad(0.1) == pytest.approx(chance, abs=5e-5)
    assert belief.mean == pytest.approx(mean, abs=5e-5)


@pytest.mark.parametrize(("faults", "sampled"), [(0, 20), (1, 37), (2, 52), (3, 67), (4, 80)])
def test_release_from_probation_comes_exactly_here(faults, sampled):
    def tier_after(n):
        return next_tier(PRIOR.after(faults=faults, sampled=n), tier=Tier.PROBATION, settings=SETTINGS)

    assert tier_after(sampled) is Tier.NORMAL
    assert tier_after(sampled - 1) is Tier.PROBATION


@pytest.mark.parametrize(("faults", "sampled"), [(2, 2), (3, 9), (4, 16), (5, 23), (6, 31)])
def test_rejection_reaches_exactly_so_far(faults, sampled):
    assert p_bad(faults, sampled) > 0.9
    assert p_bad(faults, sampled + 1) <= 0.9


@pytest.mark.parametrize(("faults", "sampled", "rejects"), [(2, 2, False), (2, 5, False), (3, 9, True), (1, 5, False)])
def test_a_lot_is_rejected_by_belief_only_on_enough_evidence(faults, sampled, rejects):
    belief = PRIOR.after(faults=faults, sampled=sampled)
    assert rejects_lot(belief, faults=faults, sampled=sampled, settings=SETTINGS) is rejects


@pytest.mark.parametrize(
    ("tier", "faults", "sampled", "expected"),
    [
        (Tier.PROBATION, 0, 19, Tier.PROBATION),
        (Tier.PROBATION, 3, 12, Tier.PROBATION),
        (Tier.PROBATION, 5, 20, Tier.FULL),
        (Tier.NORMAL, 0, 40, Tier.REDUCED),
        (Tier.NORMAL, 2, 20, Tier.NORMAL),
        (Tier.NORMAL, 3, 12, Tier.TIGHTENED),
        (Tier.REDUCED, 2, 20, Tier.NORMAL),
        (Tier.TIGHTENED, 2, 20, Tier.TIGHTENED),
        (Tier.TIGHTENED, 0, 20, Tier.NORMAL),
        (Tier.FULL, 2, 20, Tier.FULL),
        (Tier.FULL, 3, 12, Tier.TIGHTENED),
    ],
)
def test_tier_after_results(tier, faults, sampled, expected):
    belief = PRIOR.after(faults=faults, sampled=sampled)
    assert next_tier(belief, tier=tier, settings=SETTINGS) is expected


def test_old_results_fade_outside_probation_only():
    belief = PRIOR.after(faults=5, sampled=20)
    assert carried_on(belief, tier=Tier.PROBATION, settings=SETTINGS) == belief
    assert carried_on(belief, tier=Tier.NORMAL, settings=SETTINGS) == Belief(a=1 + 0.8 * 5, b=9 + 0.8 * 15)
    assert faded(PRIOR, SETTINGS) == PRIOR


@given(st.integers(0, 100), st.integers(0, 100))
def test_one_more_fault_never_looks_better_and_one_more_right_never_worse(faults, right):
    sampled = faults + right
    assert p_bad(faults + 1, sampled + 1) >= p_bad(faults, sampled) - 1e-12
    assert p_bad(faults, sampled + 1) <= p_bad(faults, sampled) + 1e-12


def test_a_prior_is_fitted_to_many_assessors_and_kept_in_bounds():
    faults = [0, 1, 3, 0, 2, 8, 1, 0, 5, 2, 0, 1]
    fitted, capped = fit_prior(faults=faults, sampled=[20] * 12)

    def likelihood(a, b):
        return sum(stats.betabinom.logpmf(k, 20, a, b) for k in faults)

    top = likelihood(fitted.a, fitted.b)
    for a, b in [(1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99), (1.01, 1.01), (0.99, 0.99)]:
        assert likelihood(fitted.a * a, fitted.b * b) < top
    assert capped.a + capped.b == pytest.approx(10)
    assert capped.mean == pytest.approx(fitted.mean)


def test_assessors_who_do_not_differ_give_the_heaviest_prior_allowed():
    _, capped = fit_prior(faults=[1] * 12, sampled=[20] * 12)
    assert capped.a + capped.b == pytest.approx(60)
    assert capped.mean == pytest.approx(0.05, abs=1e-3)
