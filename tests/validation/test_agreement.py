"""Published reference data of agreement statistics, and what must hold for any ratings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.validation.agreement import (
    as_ratings,
    cohen_kappa,
    conger_kappa,
    counts_of,
    fleiss_kappa,
    gwet_ac,
    gwet_ac_of_table,
    icc,
    identity_weights,
    krippendorff_alpha,
    linear_weights,
    quadratic_weights,
)
from app.validation.intervals import clopper_pearson, funnel, jeffreys, p_chart, wilson

N = None
FOUR_BY_TWELVE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
SKIN = [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]
THREE = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.mark.parametrize(
    ("metric", "alpha"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_krippendorffs_own_example(metric, alpha):
    assert krippendorff_alpha(as_ratings(FOUR_BY_TWELVE), metric) == pytest.approx(alpha, abs=5e-7)


def test_other_coefficients_of_the_same_ratings():
    ratings = as_ratings(FOUR_BY_TWELVE)
    counts = counts_of(ratings)
    ac1 = gwet_ac(counts, np.eye(5))
    assert (ac1.value, ac1.pa, ac1.pe) == pytest.approx((0.77544, 0.81818, 0.19032), abs=5e-6)
    assert fleiss_kappa(counts) == pytest.approx(0.76117, abs=5e-6)
    # The published value is of data in which the third rater, not the second, gave the last unit its one rating:
    # that rating changes a rater's habits, and nothing else here.
    moved = as_ratings(FOUR_BY_TWELVE)
    moved[2, 11], moved[1, 11] = moved[1, 11], np.nan
    assert conger_kappa(moved) == pytest.approx(0.76282, abs=5e-6)
    assert fleiss_kappa(counts_of(moved)) == fleiss_kappa(counts)


def test_fleiss_of_ten_by_five():
    assert fleiss_kappa(np.array(FLEISS, dtype=float)) == pytest.approx(0.209931, abs=5e-7)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),
        ([[40, 9], [6, 45]], 0.700),
        ([[80, 10], [5, 5]], 0.318),
    ],
)
def test_cohens_kappa(table, kappa):
    counts = np.array(table, dtype=float)
    assert cohen_kappa(counts, np.eye(2)).value == pytest.approx(kappa, abs=5e-4)


def test_kappa_with_its_error_and_interval():
    table, values = np.array(SKIN, dtype=float), np.arange(4.0)
    plain = cohen_kappa(table, identity_weights(values))
    assert (plain.value, plain.se, *plain.interval) == pytest.approx((0.3449, 0.0724, 0.2030, 0.4868), abs=5e-5)
    linear = cohen_kappa(table, linear_weights(values))
    assert (linear.value, linear.se, *linear.interval) == pytest.approx((0.5082, 0.0655, 0.3798, 0.6366), abs=5e-5)


def test_a_table_by_kappa_and_by_ac():
    table, values = np.array(THREE, dtype=float), np.arange(3.0)
    found = [
        cohen_kappa(table, identity_weights(values)).value,
        gwet_ac_of_table(table, identity_weights(values)).value,
        cohen_kappa(table, quadratic_weights(values)).value,
        gwet_ac_of_table(table, quadratic_weights(values)).value,
    ]
    assert found == pytest.approx([0.7964094, 0.8493305, 0.8921569, 0.9402369], abs=5e-8)


@pytest.mark.parametrize(("table", "ac1"), [([[40, 9], [6, 45]], 0.701), ([[80, 10], [5, 5]], 0.808)])
def test_ac_does_not_collapse_where_kappa_does(table, ac1):
    assert gwet_ac_of_table(np.array(table, dtype=float), np.eye(2)).value == pytest.approx(ac1, abs=5e-4)


def test_intraclass_correlations():
    found = icc(np.array(SHROUT_FLEISS, dtype=float))
    assert [found[name] for name in ("1,1", "A,1", "C,1")] == pytest.approx([0.1657, 0.2898, 0.7148], abs=5e-5)


@pytest.mark.parametrize(
    ("faults", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(faults, n, low, high):
    assert wilson(faults, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("faults", "n", "low", "high"), [(1, 10, 0.0110, 0.3813), (2, 25, 0.0170, 0.2327)])
def test_jeffreys(faults, n, low, high):
    assert jeffreys(faults, n) == pytest.approx((low, high), abs=5e-5)


def test_p_chart_and_funnel():
    assert p_chart(pbar=0.2313, n=50) == pytest.approx((0.0524, 0.4102), abs=1e-4)
    fifty, hundred = funnel(p=0.06, n=50), funnel(p=0.06, n=100)
    found = [fifty["upper95"], fifty["upper998"], hundred["upper95"], hundred["upper998"]]
    assert found == pytest.approx([0.124, 0.1767, 0.106, 0.1395], abs=5e-4)
    assert min(fifty.values()) >= 0


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_intervals_hold_the_share_and_contain_jeffreys(pair):
    faults, n = pair
    low, high = clopper_pearson(faults, n)
    inner = jeffreys(faults, n)
    assert 0 <= low <= faults / n <= high <= 1
    assert low - 1e-9 <= inner[0]
    assert inner[1] <= high + 1e-9


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20), st.integers(2, 4))
def test_raters_who_always_agree_reach_one(units, raters):
    ratings = as_ratings([units] * raters)
    assert krippendorff_alpha(ratings, "ordinal") == pytest.approx(1)
    assert gwet_ac(counts_of(ratings), np.eye(len(set(units)))).value == pytest.approx(1)
    assert fleiss_kappa(counts_of(ratings)) == pytest.approx(1)


@given(st.lists(st.lists(st.integers(0, 3), min_size=8, max_size=8), min_size=2, max_size=4), st.randoms())
def test_the_order_of_raters_and_units_does_not_matter(rows, random):
    ratings = as_ratings(rows)
    order = random.sample(range(8), 8)
    shuffled = ratings[::-1][:, order]
    for metric in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha(shuffled, metric) == pytest.approx(krippendorff_alpha(ratings, metric))
    assert fleiss_kappa(counts_of(shuffled)) == pytest.approx(fleiss_kappa(counts_of(ratings)))
