"""What a second look changed: the class and direction of a difference between two judgements.

Source: assessment-science section 2. Only a critical difference counts against a lot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from app.assessments.rules import RubricRules, Scores, Vacs, Verdict, judge

MAJOR_LEVELS = 2
MAJOR_POINTS = Fraction(10)


class OverturnClass(StrEnum):
    """How much two judgements differ."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Direction(StrEnum):
    """Who a wrong outcome would have harmed: the trust in the credential, or the candidate."""

    FALSE_PASS = "false-pass"  # noqa: S105 - the field's word for a wrongly awarded pass
    FALSE_FAIL = "false-fail"


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores and gates of one person."""

    scores: Mapping[str, int]
    vacs: Vacs


@dataclass(frozen=True, slots=True)
class Difference:
    """`overturn_class` is None where the judgements are the same; `direction` where the outcome is."""

    overturn_class: OverturnClass | None
    direction: Direction | None


def difference(rubric: RubricRules, *, first: Judged, final: Judged) -> Difference:
    """Compare the assessor's judgement (`first`) with the validator's (`final`)."""
    before = judge(rubric, scores=first.scores, vacs=first.vacs)
    after = judge(rubric, scores=final.scores, vacs=final.vacs)
    return Difference(
        overturn_class=_overturn_class(rubric, first=first, final=final, is_flip=before.outcome is not after.outcome),
        direction=_direction(before.outcome, after.outcome),
    )


def _overturn_class(rubric: RubricRules, *, first: Judged, final: Judged, is_flip: bool) -> OverturnClass | None:
    if is_flip or first.vacs != final.vacs or _crosses_critical_minimum(rubric, first.scores, final.scores):
        return OverturnClass.CRITICAL
    gaps = [abs(first.scores[code] - final.scores[code]) for code in first.scores if code in final.scores]
    if any(gap >= MAJOR_LEVELS for gap in gaps) or _points_apart(rubric, first, final) >= MAJOR_POINTS:
        return OverturnClass.MAJOR
    return OverturnClass.MINOR if any(gaps) else None


def _crosses_critical_minimum(rubric: RubricRules, first: Scores, final: Scores) -> bool:
    return any(
        (first[each.code] < each.min_level) != (final[each.code] < each.min_level)
        for each in rubric.criteria
        if each.critical and each.code in first and each.code in final
    )


def _points_apart(rubric: RubricRules, first: Judged, final: Judged) -> Fraction:
    before = judge(rubric, scores=first.scores, vacs=first.vacs).percent
    after = judge(rubric, scores=final.scores, vacs=final.vacs).percent
    return abs(before - after) if before is not None and after is not None else Fraction(0)


def _direction(before: Verdict, after: Verdict) -> Direction | None:
    if before is after:
        return None
    if before is Verdict.COMPETENT:
        return Direction.FALSE_PASS
    return Direction.FALSE_FAIL if after is Verdict.COMPETENT else None
