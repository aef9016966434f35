"""The pass rule: scores and gates in, outcome out. Exact fractions, no database.

Source: DESIGN section 4 rule 5; assessment-science, "Exact scoring" and "Rubric types".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

Scores = Mapping[str, int]


class Verdict(StrEnum):
    """What a judgement says. The last two are not decisions: they join no lot."""

    COMPETENT = "competent"
    NOT_YET_COMPETENT = "not-yet-competent"
    UNDER_INVESTIGATION = "under-investigation"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Vacs:
    """The four gates before scoring: valid, authentic, current, sufficient."""

    valid: bool
    authentic: bool
    current: bool
    sufficient: bool

    @property
    def all_yes(self) -> bool:
        return self.valid and self.authentic and self.current and self.sufficient

    @property
    def is_decidable(self) -> bool:
        """False when the work goes to an integrity case or back to the candidate instead of to a decision."""
        return self.authentic and self.sufficient


@dataclass(frozen=True, slots=True)
class Criterion:
    """What the pass rule needs of a criterion. `weight` is relative; weights need not add up to 100."""

    code: str
    weight: int
    critical: bool
    min_level: int

    def is_met_by(self, level: int) -> bool:
        """Say whether a level is an achievement that needs proof. The lowest level never is."""
        return level >= max(1, self.min_level)


@dataclass(frozen=True, slots=True)
class MaxBelow:
    """At most `count` criteria may lie below `level`."""

    level: int
    count: int


@dataclass(frozen=True, slots=True)
class PassRule:
    """Every condition that is set must hold. `cut` and `band` are percent points."""

    cut: Fraction
    band: Fraction
    critical_minima: bool
    all_minima: bool
    max_below: MaxBelow | None
    vacs_all_yes: bool


@dataclass(frozen=True, slots=True)
class RubricRules:
    """The part of a rubric version that decides. `top_level` is the highest value of a scale from 0."""

    criteria: tuple[Criterion, ...]
    top_level: int
    pass_rule: PassRule
    met_needs_proof: bool = True

    def criterion(self, code: str) -> Criterion | None:
        return next((each for each in self.criteria if each.code == code), None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rule computed. `percent` is None where the work was not scored in full."""

    outcome: Verdict
    percent: Fraction | None
    borderline: bool


def rubric_rules(body: Mapping[str, Any]) -> RubricRules:
    """Read the deciding part of a stored rubric version (the shape of `demo-frameworks.json`)."""
    return RubricRules(
        criteria=tuple(
            Criterion(
                code=each["code"],
                weight=each["weight"],
                critical=each.get("critical", False),
                min_level=each.get("min_level", 0),
            )
            for each in body["criteria"]
        ),
        top_level=max(level["value"] for level in body["scale"]),
        pass_rule=_pass_rule(body["pass_rule"]),
        met_needs_proof=body.get("met_needs_proof", True),
    )


def percent(rubric: RubricRules, scores: Scores) -> Fraction:
    """Return the weighted percent of the highest possible score. Every criterion must be scored."""
    reached = sum(each.weight * scores[each.code] for each in rubric.criteria)
    possible = rubric.top_level * sum(each.weight for each in rubric.criteria)
    return Fraction(100 * reached, possible)


def is_borderline(rubric: RubricRules, value: Fraction) -> bool:
    """Say whether a percent lies within the band around the cut, both ends included."""
    return abs(value - rubric.pass_rule.cut) <= rubric.pass_rule.band


def meets_pass_rule(rubric: RubricRules, scores: Scores) -> bool:
    """Apply the hybrid rule: cut, minima, at most so many criteria below a level. The cut itself passes."""
    rule = rubric.pass_rule
    if percent(rubric, scores) < rule.cut:
        return False
    below_minimum = [each for each in rubric.criteria if scores[each.code] < each.min_level]
    if rule.all_minima and below_minimum:
        return False
    if rule.critical_minima and any(each.critical for each in below_minimum):
        return False
    return rule.max_below is None or _count_below(scores, rule.max_below.level) <= rule.max_below.count


def judge(rubric: RubricRules, *, scores: Scores, vacs: Vacs) -> Judgement:
    """Compute the outcome. Doubt about authenticity comes before everything: it is never a fail."""
    is_scored = all(each.code in scores for each in rubric.criteria)
    value = percent(rubric, scores) if is_scored else None
    return Judgement(
        outcome=_outcome(rubric, scores=scores, vacs=vacs),
        percent=value,
        borderline=value is not None and is_borderline(rubric, value),
    )


def fraction_text(value: Fraction) -> str:
    """Print a fraction as the API and the audit trail show it: `65/1`, `200/3`."""
    return f"{value.numerator}/{value.denominator}"


def _outcome(rubric: RubricRules, *, scores: Scores, vacs: Vacs) -> Verdict:
    if not vacs.authentic:
        return Verdict.UNDER_INVESTIGATION
    if not vacs.sufficient:
        return Verdict.RETURNED
    if rubric.pass_rule.vacs_all_yes and not vacs.all_yes:
        return Verdict.NOT_YET_COMPETENT
    return Verdict.COMPETENT if meets_pass_rule(rubric, scores) else Verdict.NOT_YET_COMPETENT


def _count_below(scores: Scores, level: int) -> int:
    return sum(1 for each in scores.values() if each < level)


def _pass_rule(body: Mapping[str, Any]) -> PassRule:
    below = body.get("max_below")
    return PassRule(
        # str(): 62.5 from JSON is exact that way, and so is 0.1.
        cut=Fraction(str(body["cut_percent"])),
        band=Fraction(str(body.get("borderline_band_points", 5))),
        critical_minima=body.get("critical_all_at_least_min", True),
        all_minima=body.get("all_at_least_min", False),
        max_below=MaxBelow(level=below["level"], count=below["count"]) if below else None,
        vacs_all_yes=body.get("vacs_all_yes", True),
    )
