"""Sampling plans: the versioned policy, and what it means for a lot of a given size. Pure, no scipy.

Sources: assessment-science 3.1 and 6.8; acceptance numbers: DESIGN section 4, rule 9.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[float, Field(ge=0, le=1)]
# Below this size a sample accepts no fault at all.
SMALL_SAMPLE = 5


class Engine(StrEnum):
    """How sizes and acceptance numbers are found."""

    ADAPTIVE = "adaptive"
    ISO2859 = "iso2859"
    FIXED = "fixed"


class Tier(StrEnum):
    """How closely an assessor is watched."""

    PROBATION = "probation"
    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    FULL = "full"


class Stratum(StrEnum):
    """Why a decision is validated whatever the draw says. Recorded as a fact with the decision."""

    FIRST_20_OF_ASSESSOR = "first-20-of-assessor"
    FIRST_5_OF_RUBRIC_MAJOR = "first-5-of-rubric-major"
    BORDERLINE = "borderline"
    SECOND_ATTEMPT = "second-attempt"
    LEVEL_OVERRIDE = "level-override"
    AUTHENTICITY_FLAG = "authenticity-flag"
    APPEAL = "appeal"
    TRANSCRIPT_EDITED = "transcript-edited"
    FASTER_THAN_40_PERCENT = "faster-than-40-percent"


class IssuePolicy(StrEnum):
    """When a decision leaves its lot (DESIGN section 4, rule 6)."""

    HOLD_UNTIL_LOT_DECIDED = "hold_until_lot_decided"
    RELEASE_UNSAMPLED_WITH_LOOKBACK = "release_unsampled_with_lookback"
    VALIDATE_ALL = "validate_all"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TierRate(_Part):
    """The share of a lot that is drawn, and the smallest sample."""

    rate: Rate
    min_n: Annotated[int, Field(ge=1)]


class RandomPart(_Part):
    """ISO 2859-1: the AQL in percent and the inspection level."""

    aql: str
    level: str


class PosteriorPart(_Part):
    """The Beta prior and the limits of P_bad, the chance that more than `bad_rate` of the work is wrong."""

    prior_a: Annotated[float, Field(gt=0)] = 1
    prior_b: Annotated[float, Field(gt=0)] = 9
    bad_rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    release_p: Rate = 0.05
    reject_p: Rate = 0.9
    memory: Rate = 0.8


class LotPart(_Part):
    """When a lot closes by itself."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = 25
    max_age_days: Annotated[int, Field(ge=1, le=90)] = 7


class LookbackPart(_Part):
    """How far back accepted lots are looked at again when one fails."""

    max_lots: Annotated[int, Field(ge=0)] = 2
    max_days: Annotated[int, Field(ge=0)] = 60
    detect_rate: Rate = 0.1
    confidence: Rate = 0.95


class DoubleMarkPart(_Part):
    """Second marks within so many points of the cut; 0 = off."""

    band: Annotated[float, Field(ge=0)] = 0


class SamplingPlan(_Part):
    """One version of a policy; frozen once a lot points at it. The shape of `demo-frameworks.json`."""

    id: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9._-]+$")]
    version: Annotated[int, Field(ge=1)] = 1
    title: Mapping[str, str] = Field(default_factory=dict)
    scope: str = "organisation"
    engine: Engine = Engine.ADAPTIVE
    random: RandomPart | None = None
    tiers: Mapping[Tier, TierRate | None]
    posterior: PosteriorPart = PosteriorPart()
    mandatory: tuple[Stratum, ...] = ()
    lot: LotPart = LotPart()
    issue_policy: IssuePolicy = IssuePolicy.HOLD_UNTIL_LOT_DECIDED
    lookback: LookbackPart = LookbackPart()
    # Rules 9 and 7: fails are sampled like passes, scores are blind first. No plan says otherwise.
    sample_fails: Literal[True] = True
    double_mark: DoubleMarkPart = DoubleMarkPart()
    blind_first: Literal[True] = True

    @model_validator(mode="after")
    def _names_every_tier_it_can_reach(self) -> "SamplingPlan":
        needed = set(Tier) - {Tier.PROBATION} if self.engine is Engine.ADAPTIVE else set()
        missing = sorted(tier for tier in needed if self.tiers.get(tier) is None)
        if missing:
            raise ValueError(f"tiers lacks {', '.join(missing)}")
        return self

    @property
    def first_tier(self) -> Tier:
        """Where an unknown assessor starts: probation, unless the plan has none."""
        return Tier.PROBATION if self.tiers.get(Tier.PROBATION) else Tier.NORMAL


# What holds where an organisation has set no plan: "starts tomorrow" of assessment-science 6.8.
DEFAULT_PLAN = SamplingPlan(
    id="start-tomorrow",
    tiers={
        Tier.PROBATION: TierRate(rate=1.0, min_n=1),
        Tier.NORMAL: TierRate(rate=0.25, min_n=3),
        Tier.TIGHTENED: TierRate(rate=0.5, min_n=5),
        Tier.REDUCED: TierRate(rate=0.1, min_n=2),
        Tier.FULL: TierRate(rate=1.0, min_n=1),
    },
    mandatory=tuple(Stratum),
)


def why_not_usable(plan: SamplingPlan) -> str | None:
    """Say why no lot can be opened under a plan that may be stored, or None."""
    if plan.engine is not Engine.ADAPTIVE:
        return "Lots can be opened under a plan with the engine adaptive only. Set another sampling plan."
    if plan.issue_policy is IssuePolicy.RELEASE_UNSAMPLED_WITH_LOOKBACK:
        return "Looking back at earlier lots is not possible yet. Set a plan that holds or validates all."
    return None


def effective_tier(plan: SamplingPlan, tier: Tier) -> Tier:
    """Return the tier under a plan: without probation, who is still in it counts as normal."""
    return plan.first_tier if tier is Tier.PROBATION else tier


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is drawn from a lot, and the faults that still accept it and that reject it."""

    n: int
    accept: int
    reject_at: int
    reason: str


def exact(value: float) -> Fraction:
    """Read a rate as people wrote it: 0.1 is a tenth, so that 10 % of 30 is 3 and not 4."""
    return Fraction(str(value))


def sample_size(*, lot: int, rate: float, min_n: int) -> int:
    """Return how many of `lot` decisions are drawn: the rate rounded up, at least `min_n`, at most all."""
    return min(lot, max(math.ceil(exact(rate) * lot), min_n))


def accept_number(*, n: int, bad_rate: float) -> int:
    """Return the most faults in `n` that still accept a lot (DESIGN section 4, rule 9)."""
    if n < SMALL_SAMPLE:
        return 0
    return math.floor(exact(bad_rate) * n + Fraction(1, 2))


def adaptive_sizes(plan: SamplingPlan, *, tier: Tier, lot: int) -> Sizes:
    """Size the sample of a lot of an assessor in this tier."""
    tier = effective_tier(plan, tier)
    share = plan.tiers.get(tier)
    if share is None:
        raise ValueError(f"plan {plan.id} has no tier {tier}")
    validates_all = plan.issue_policy is IssuePolicy.VALIDATE_ALL
    n = lot if validates_all else sample_size(lot=lot, rate=share.rate, min_n=share.min_n)
    accept = accept_number(n=n, bad_rate=plan.posterior.bad_rate)
    part = "all" if n == lot else f"{n} of {lot}"
    reason = f"tier {tier}: rate {share.rate:g}, at least {share.min_n}: {part}"
    return Sizes(n=n, accept=accept, reject_at=accept + 1, reason=reason)


def inclusion_probability(*, lot: int, n: int, is_mandatory: bool) -> Fraction:
    """Return the chance that a decision was to be validated, for estimates weighted by its inverse."""
    return Fraction(1) if is_mandatory or lot == 0 else Fraction(min(n, lot), lot)


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What is known of a decision when it joins its lot. Counts are of earlier decisions."""

    earlier_of_assessor: int
    earlier_of_rubric_major: int
    attempt: int
    is_borderline: bool
    has_level_override: bool = False
    has_authenticity_flag: bool = False
    has_appeal: bool = False
    has_edited_transcript: bool = False
    scoring_ms: int | None = None
    media_ms: int | None = None


def mandatory_strata(plan: SamplingPlan, facts: DecisionFacts) -> tuple[Stratum, ...]:
    """List the plan's strata that this decision falls into, in the plan's order."""
    held = _strata_of(facts)
    return tuple(each for each in plan.mandatory if held[each])


def _strata_of(facts: DecisionFacts) -> Mapping[Stratum, bool]:
    return {
        Stratum.FIRST_20_OF_ASSESSOR: facts.earlier_of_assessor < 20,  # noqa: PLR2004 - in its name
        Stratum.FIRST_5_OF_RUBRIC_MAJOR: facts.earlier_of_rubric_major < 5,  # noqa: PLR2004 - in its name
        Stratum.BORDERLINE: facts.is_borderline,
        Stratum.SECOND_ATTEMPT: facts.attempt > 1,
        Stratum.LEVEL_OVERRIDE: facts.has_level_override,
        Stratum.AUTHENTICITY_FLAG: facts.has_authenticity_flag,
        Stratum.APPEAL: facts.has_appeal,
        Stratum.TRANSCRIPT_EDITED: facts.has_edited_transcript,
        Stratum.FASTER_THAN_40_PERCENT: _is_too_fast(facts),
    }


def _is_too_fast(facts: DecisionFacts) -> bool:
    if not facts.media_ms or facts.scoring_ms is None:
        return False
    return facts.scoring_ms * 10 < facts.media_ms * 4
