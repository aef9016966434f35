"""Published and computed tables of detection, faults left, curves, plans and sequential lines."""

from itertools import product

import pytest

from app.validation.acceptance import (
    TwoPoints,
    average_outgoing_quality_limit,
    binomial_chance,
    cochran_size,
    detection_size,
    detection_sizes,
    faults_left,
    find_plan,
    fixed_rate_sizes,
    hypergeometric_chance,
    operating_curve,
    poisson_chance,
    sprt_lines,
)


@pytest.mark.parametrize(
    ("lot", "sampled", "faults", "upper"), [(50, 8, 0, 14), (50, 8, 1, 22), (50, 13, 1, 14), (25, 5, 0, 10)]
)
def test_faults_that_may_be_left(lot, sampled, faults, upper):
    assert faults_left(lot=lot, sampled=sampled, faults=faults) == upper


def test_a_million_decisions_are_no_problem():
    assert detection_size(lot=1_000_000, bad=1, confidence=0.95) == 950_000
    assert detection_size(lot=1_000_000, bad=10_000, confidence=0.95) == 299
    assert faults_left(lot=1_000_000, sampled=1000, faults=0) == pytest.approx(2990, abs=15)


def test_a_whole_lot_looked_at_leaves_no_doubt():
    assert faults_left(lot=20, sampled=20, faults=3) == 3


DETECTION = {100: (45, 78, 95), 500: (56, 129, 225), 1000: (57, 138, 258), 10000: (59, 148, 294)}


@pytest.mark.parametrize(
    ("lot", "rate", "n"),
    [(lot, rate, n) for lot, row in DETECTION.items() for rate, n in zip((0.05, 0.02, 0.01), row, strict=True)]
    + [(1000, 0.005, 450), (1000, 0.001, 950)]
    + [(20, 0.1, 16), (50, 0.1, 22), (100, 0.1, 25), (200, 0.1, 27), (500, 0.1, 28)],
)
def test_detection_samples(lot, rate, n):
    assert detection_sizes(lot=lot, detect_rate=rate, confidence=0.95).n == n


def test_looking_back_at_two_lots():
    assert detection_size(lot=84, bad=9, confidence=0.95) == 23


def test_nothing_to_detect_means_all():
    assert detection_sizes(lot=9, detect_rate=0.1, confidence=0.95).n == 9


@pytest.mark.parametrize(
    ("margin", "lot", "n"),
    [
        *product([0.15], [10], [9]),
        (0.15, 20, 14),
        (0.15, 30, 18),
        (0.15, 50, 24),
        (0.15, 100, 31),
        (0.15, 150, 34),
        (0.15, 200, 36),
        (0.15, 500, 40),
        (0.15, 1000, 41),
        (0.10, 100, 50),
        (0.10, 150, 59),
        (0.10, 1000, 88),
    ],
)
def test_cochran_samples(margin, lot, n):
    assert cochran_size(lot=lot, margin=margin, confidence=0.95) == n


def test_a_flat_rate_has_a_smallest_sample():
    assert [fixed_rate_sizes(lot=lot, rate=0.25, min_n=3).n for lot in (2, 8, 25)] == [2, 3, 7]


@pytest.mark.parametrize(
    ("n", "accept", "percent", "chance"),
    [
        (125, 3, 0.664, 0.99),
        (125, 3, 1.100, 0.95),
        (125, 3, 2.930, 0.50),
        (125, 3, 5.266, 0.10),
        (80, 5, 3.317, 0.95),
        (80, 5, 11.285, 0.10),
        (20, 0, 5, 0.358),
        (20, 0, 15, 0.039),
    ],
)
def test_points_of_the_curve(n, accept, percent, chance):
    point = operating_curve(n=n, accept=accept, rates=[percent / 100])[0]
    assert point.accept_probability == pytest.approx(chance, abs=6e-4)


def test_points_for_one_lot_are_hypergeometric():
    points = operating_curve(n=8, accept=1, rates=[0.04, 0.1, 0.2], lot=50)
    assert [round(each.accept_probability, 4) for each in points] == [0.9771, 0.8241, 0.4905]


@pytest.mark.parametrize(("lot", "n", "accept", "limit"), [(50, 8, 1, 0.0852), (50, 13, 1, 0.0468), (50, 5, 0, 0.0603)])
def test_the_worst_that_leaves(lot, n, accept, limit):
    assert average_outgoing_quality_limit(n=n, accept=accept, lot=lot) == pytest.approx(limit, abs=5e-5)


POINTS = TwoPoints(good_rate=0.05, good_accept=0.95, bad_rate=0.15, bad_accept=0.075)


def test_the_published_binomial_plan_is_found():
    assert find_plan(POINTS, chance=binomial_chance, most=500) == (80, 7)
    assert binomial_chance(80, 7, 0.05) == pytest.approx(0.95341, abs=5e-6)
    assert binomial_chance(80, 7, 0.15) == pytest.approx(0.07272, abs=5e-6)


@pytest.mark.parametrize("chance", [poisson_chance, hypergeometric_chance(500)])
def test_a_found_plan_keeps_both_promises_and_a_smaller_one_does_not(chance):
    n, accept = find_plan(POINTS, chance=chance, most=500)
    assert chance(n, accept, 0.05) >= 0.95
    assert chance(n, accept, 0.15) <= 0.075
    assert not any(chance(n - 1, other, 0.05) >= 0.95 and chance(n - 1, other, 0.15) <= 0.075 for other in range(n - 1))


def test_an_impossible_plan_is_not_found():
    assert find_plan(POINTS, chance=binomial_chance, most=20) is None


def test_the_textbook_sequential_lines():
    lines = sprt_lines(p0=0.01, p1=0.06, alpha=0.05, beta=0.10)
    assert (round(lines.slope, 4), round(lines.h_accept, 4), round(lines.h_reject, 4)) == (
        0.0281,
        1.2211,
        1.5678,
    )
    assert lines.accept_at(0) == 44


def test_the_default_sequential_lines():
    lines = sprt_lines(p0=0.05, p1=0.20, alpha=0.05, beta=0.10)
    assert (round(lines.slope, 6), round(lines.h_accept, 6), round(lines.h_reject, 6)) == (
        0.110292,
        1.444854,
        1.855009,
    )
    assert [lines.accept_at(faults) for faults in range(4)] == [14, 23, 32, 41]
