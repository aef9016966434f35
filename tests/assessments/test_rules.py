"""The pass rule against the worked cases of the demonstration rubrics, and its properties."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app.demo
from app.assessments.rules import (
    Criterion,
    MaxBelow,
    PassRule,
    RubricRules,
    Vacs,
    Verdict,
    fraction_text,
    is_borderline,
    judge,
    percent,
    rubric_rules,
)

DEMO = json.loads((Path(app.demo.__file__).parent / "demo-frameworks.json").read_text("utf-8"))
ALL_YES = Vacs(valid=True, authentic=True, current=True, sufficient=True)
CASES = [
    pytest.param(rubric, case, id=f"{rubric['id']}-{number}")
    for rubric in DEMO["rubrics"]
    for number, case in enumerate(rubric["worked_cases"], 1)
]


@pytest.mark.parametrize(("rubric", "case"), CASES)
def test_worked_case_is_exact(rubric, case):
    vacs = Vacs(**case["vacs"]) if "vacs" in case else ALL_YES
    judged = judge(rubric_rules(rubric), scores=case["scores"], vacs=vacs)
    assert judged.outcome == case["outcome"]
    assert judged.percent == Fraction(case["percent"])
    assert judged.borderline is case["borderline"]


def test_all_fourteen_worked_cases_are_there():
    assert len(CASES) == 14


def a_rubric(*, cut="60", band="5", criteria=None, top_level=3, **rule):
    settings = {"critical_minima": True, "all_minima": True, "max_below": None, "vacs_all_yes": True} | rule
    return RubricRules(
        criteria=criteria or (a_criterion("A"), a_criterion("B")),
        top_level=top_level,
        pass_rule=PassRule(cut=Fraction(cut), band=Fraction(band), **settings),
    )


def a_criterion(code, *, weight=50, critical=False, min_level=0):
    return Criterion(code=code, weight=weight, critical=critical, min_level=min_level)


@pytest.mark.parametrize(
    ("vacs", "outcome"),
    [
        ({"authentic": False}, Verdict.UNDER_INVESTIGATION),
        ({"authentic": False, "sufficient": False}, Verdict.UNDER_INVESTIGATION),
        ({"sufficient": False}, Verdict.RETURNED),
        ({"valid": False}, Verdict.NOT_YET_COMPETENT),
        ({"current": False}, Verdict.NOT_YET_COMPETENT),
    ],
)
def test_a_closed_gate_decides_before_the_scores(vacs, outcome):
    gates = Vacs(**({"valid": True, "authentic": True, "current": True, "sufficient": True} | vacs))
    assert judge(a_rubric(), scores={"A": 3, "B": 3}, vacs=gates).outcome is outcome


def test_work_that_is_not_sufficient_needs_no_scores():
    judged = judge(a_rubric(), scores={}, vacs=Vacs(True, True, True, sufficient=False))
    assert (judged.outcome, judged.percent, judged.borderline) == (Verdict.RETURNED, None, False)


def test_exactly_the_cut_passes_where_a_float_would_not():
    # 100 * 7 / 30 = 70/3: no float is equal to it.
    rubric = a_rubric(cut="70/3", criteria=(a_criterion("A", weight=7), a_criterion("B", weight=3)))
    assert judge(rubric, scores={"A": 1, "B": 0}, vacs=ALL_YES).outcome is Verdict.COMPETENT


def test_two_levels_are_enough():
    rubric = a_rubric(top_level=1, cut="50")
    assert judge(rubric, scores={"A": 1, "B": 0}, vacs=ALL_YES).percent == 50


def test_both_ends_of_the_band_are_borderline():
    rubric = a_rubric(cut="60", band="5")
    assert [is_borderline(rubric, Fraction(value)) for value in ("54.9", "55", "65", "65.1")] == [
        False,
        True,
        True,
        False,
    ]


def test_a_minimum_of_an_uncritical_criterion_counts_only_where_the_rule_says_so():
    criteria = (a_criterion("A", min_level=2), a_criterion("B"))
    scores = {"A": 1, "B": 3}
    assert judge(a_rubric(criteria=criteria), scores=scores, vacs=ALL_YES).outcome is Verdict.NOT_YET_COMPETENT
    lenient = a_rubric(criteria=criteria, all_minima=False)
    assert judge(lenient, scores=scores, vacs=ALL_YES).outcome is Verdict.COMPETENT


def test_a_percent_is_printed_with_its_denominator():
    assert [fraction_text(each) for each in (Fraction(65), Fraction(200, 3))] == ["65/1", "200/3"]


@st.composite
def rubrics_and_scores(draw):
    top = draw(st.integers(1, 5))
    codes = [f"C{number}" for number in range(draw(st.integers(1, 6)))]
    criteria = tuple(
        a_criterion(
            code,
            weight=draw(st.integers(1, 40)),
            critical=draw(st.booleans()),
            min_level=draw(st.integers(0, top)),
        )
        for code in codes
    )
    below = draw(st.none() | st.builds(MaxBelow, level=st.integers(0, top), count=st.integers(0, 3)))
    rubric = a_rubric(cut=str(draw(st.integers(0, 100))), criteria=criteria, top_level=top, max_below=below)
    return rubric, {code: draw(st.integers(0, top)) for code in codes}


@given(rubrics_and_scores())
def test_percent_lies_between_nothing_and_all(case):
    rubric, scores = case
    assert 0 <= percent(rubric, scores) <= 100


@given(rubrics_and_scores(), st.data())
def test_a_higher_level_never_turns_competent_into_not_yet(case, data):
    rubric, scores = case
    code = data.draw(st.sampled_from(sorted(scores)))
    better = scores | {code: min(rubric.top_level, scores[code] + 1)}
    if judge(rubric, scores=scores, vacs=ALL_YES).outcome is Verdict.COMPETENT:
        assert judge(rubric, scores=better, vacs=ALL_YES).outcome is Verdict.COMPETENT
