"""Which differences between two judgements are critical, major or minor, and whom they would have harmed."""

import pytest

from app.assessments.differences import Direction, Judged, OverturnClass, difference
from app.assessments.rules import Vacs
from tests.assessments.test_rules import ALL_YES, DEMO, rubric_rules

TELLER = rubric_rules(DEMO["rubrics"][0])
GOOD = {"ID": 2, "LI": 2, "AC": 2, "EM": 2, "NX": 2, "CL": 2}


def judged(vacs=ALL_YES, **levels):
    return Judged(scores=GOOD | levels, vacs=vacs)


@pytest.mark.parametrize(
    ("first", "final", "overturn_class", "direction"),
    [
        (judged(), judged(), None, None),
        (judged(), judged(LI=3), OverturnClass.MINOR, None),
        (judged(CL=1), judged(CL=3), OverturnClass.MAJOR, None),
        (judged(), judged(LI=3, EM=3), OverturnClass.MAJOR, None),  # 10 points, no criterion by two levels
        (judged(), judged(ID=1), OverturnClass.CRITICAL, Direction.FALSE_PASS),
        (judged(ID=1), judged(), OverturnClass.CRITICAL, Direction.FALSE_FAIL),
        # Not yet competent either way, but a critical criterion crosses its minimum.
        (judged(ID=1, AC=1), judged(ID=1, AC=2), OverturnClass.CRITICAL, None),
        (
            judged(),
            judged(vacs=Vacs(valid=True, authentic=False, current=True, sufficient=True)),
            OverturnClass.CRITICAL,
            Direction.FALSE_PASS,
        ),
    ],
)
def test_difference_is_classed_and_directed(first, final, overturn_class, direction):
    found = difference(TELLER, first=first, final=final)
    assert (found.overturn_class, found.direction) == (overturn_class, direction)
