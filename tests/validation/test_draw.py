"""The published vector of the draw, and what nobody can do to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.validation.draw import below, below_topped_up, commitment, draw, draw_all, smallest

SECRET = bytes(range(32))
KEYS = [f"sub-{number:04d}#1" for number in range(1, 41)]
DRAWS = draw_all(SECRET, plan_id="plan-demo", plan_version=1, keys=KEYS)
BELOW_A_FIFTH = ["0003", "0011", "0014", "0018", "0021", "0023", "0033", "0036"]
NEXT_FIVE = ["0009", "0007", "0008", "0025", "0037"]


def numbers(picked):
    return [each.key[4:8] for each in picked]


def test_the_commitment_of_the_vector():
    assert commitment(SECRET) == "fab45739d6405fe6ebabe0ebb9ee75d0d197e91fc5857293720b2f243fcac5a0"


@pytest.mark.parametrize(("key", "u"), [("sub-0001#1", 0.2717851228622149), ("sub-0003#1", 0.009904791118933387)])
def test_the_draws_of_the_vector(key, u):
    assert draw(SECRET, plan_id="plan-demo", plan_version=1, key=key).u == u


def test_the_picks_of_the_vector():
    assert numbers(below(DRAWS, 0.20)) == BELOW_A_FIFTH
    assert numbers(below_topped_up(DRAWS, rate=0.20, n=13)) == BELOW_A_FIFTH + NEXT_FIVE
    assert sorted(numbers(smallest(DRAWS, 8))) == BELOW_A_FIFTH
    assert numbers(smallest(DRAWS, 13))[8:] == NEXT_FIVE


secrets = st.binary(min_size=32, max_size=32)
key_lists = st.lists(st.uuids().map(lambda each: f"{each}#1"), unique=True, max_size=30)


@given(secrets, key_lists, st.integers(0, 40), st.integers(0, 40))
def test_a_larger_sample_contains_the_smaller_one(secret, keys, one, other):
    draws = draw_all(secret, plan_id="p", plan_version=1, keys=keys)
    few, many = sorted((one, other))
    assert set(smallest(draws, few)) <= set(smallest(draws, many))
    assert smallest(draws, many)[:few] == smallest(draws, few)


@given(secrets, key_lists, st.randoms(use_true_random=False), st.integers(0, 40))
def test_order_and_company_of_a_decision_do_not_change_its_draw(secret, keys, random, n):
    draws = draw_all(secret, plan_id="p", plan_version=1, keys=keys)
    shuffled = random.sample(keys, len(keys))
    again = draw_all(secret, plan_id="p", plan_version=1, keys=shuffled)
    assert smallest(again, n) == smallest(draws, n)
    for each in draws:
        assert draw(secret, plan_id="p", plan_version=1, key=each.key) == each


@given(secrets, key_lists.filter(bool))
def test_another_plan_version_is_another_draw_under_the_same_secret(secret, keys):
    first = draw_all(secret, plan_id="p", plan_version=1, keys=keys)
    second = draw_all(secret, plan_id="p", plan_version=2, keys=keys)
    assert all(0 <= each.u < 1 for each in first)
    assert first != second


@given(secrets, key_lists, st.floats(0, 1), st.integers(0, 40))
def test_topping_up_reaches_the_number_and_never_repeats(secret, keys, rate, n):
    draws = draw_all(secret, plan_id="p", plan_version=1, keys=keys)
    picked = below_topped_up(draws, rate=rate, n=n)
    assert len(set(picked)) == len(picked) == max(len(below(draws, rate)), min(n, len(keys)))
