"""What results say about an assessor: a Beta posterior and the tier it leads to.

Needs scipy: for jobs and the shell only. Source: assessment-science 3.6.
theta is the share of an assessor's outcomes that are wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from app.validation.plans import PosteriorPart, Tier

REDUCED_BELOW = 0.02
REDUCED_NEEDS_SAMPLED = 20
TIGHTENED_FROM = 0.5
# P_bad alone may reject a lot only on this much evidence (DESIGN section 4, rule 9).
REJECT_MIN_FAULTS = 2
REJECT_MIN_SAMPLED = 5
PRIOR_WEIGHT_LIMITS = (10.0, 60.0)


@dataclass(frozen=True, slots=True)
class Belief:
    """Beta(a, b) over theta."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def after(self, *, faults: int, sampled: int) -> "Belief":
        """Return the belief once `faults` of `sampled` random decisions were found wrong."""
        return Belief(a=self.a + faults, b=self.b + sampled - faults)

    def p_bad(self, bad_rate: float) -> float:
        """Return the chance that theta is above `bad_rate`."""
        return float(special.betaincc(self.a, self.b, bad_rate))


def prior(settings: PosteriorPart) -> Belief:
    """Return what is believed of an assessor nobody has checked yet."""
    return Belief(a=settings.prior_a, b=settings.prior_b)


def faded(belief: Belief, settings: PosteriorPart) -> Belief:
    """Let older results weigh less, so that drift shows: the part beyond the prior times `memory`."""
    return Belief(
        a=settings.prior_a + settings.memory * (belief.a - settings.prior_a),
        b=settings.prior_b + settings.memory * (belief.b - settings.prior_b),
    )


def carried_on(belief: Belief, *, tier: Tier, settings: PosteriorPart) -> Belief:
    """Return what the next lot starts from, given the belief after a lot and the tier it led to.

    Nothing fades in probation: its release table (0 faults in 20, 1 in 37, ...) counts every result.
    """
    return belief if tier is Tier.PROBATION else faded(belief, settings)


def next_tier(belief: Belief, *, tier: Tier, settings: PosteriorPart) -> Tier:
    """Return the tier that follows from the belief.

    Probation is left by P_bad below `release_p`, or for `full`, and in no other way: the middle bands
    would watch a doubtful beginner less than an unknown one.
    """
    p_bad = belief.p_bad(settings.bad_rate)
    sampled = belief.a + belief.b - settings.prior_a - settings.prior_b
    if p_bad > settings.reject_p:
        return Tier.FULL
    if p_bad < REDUCED_BELOW and sampled >= REDUCED_NEEDS_SAMPLED:
        return Tier.REDUCED
    if p_bad < settings.release_p:
        return Tier.NORMAL
    if tier is Tier.PROBATION:
        return tier
    if p_bad >= TIGHTENED_FROM:
        return Tier.TIGHTENED
    return Tier.NORMAL if tier is Tier.REDUCED else tier


def rejects_lot(belief: Belief, *, faults: int, sampled: int, settings: PosteriorPart) -> bool:
    """Say whether the belief after a lot's random sample rejects it before its reject number is reached."""
    if faults < REJECT_MIN_FAULTS or sampled < REJECT_MIN_SAMPLED:
        return False
    return belief.p_bad(settings.bad_rate) > settings.reject_p


def fit_prior(*, faults: Sequence[int], sampled: Sequence[int]) -> tuple[Belief, Belief]:
    """Fit Beta by maximum likelihood to many assessors; return the fit and the fit with a+b kept in 10..60.

    The likelihood can grow without end when assessors differ less than chance alone would let them;
    the search stops at e**12 then, and the capped belief is the one to use.
    """
    k, n = np.asarray(faults, dtype=float), np.asarray(sampled, dtype=float)

    def loss(logs: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        a, b = np.exp(logs)
        return -float(np.sum(special.betaln(k + a, n - k + b) - special.betaln(a, b)))

    found = optimize.minimize(loss, x0=np.log([1.0, 9.0]), method="L-BFGS-B", bounds=[(-12.0, 12.0)] * 2, tol=1e-12)
    fitted = Belief(*(float(each) for each in np.exp(found.x)))
    return fitted, _weight_capped(fitted)


def _weight_capped(belief: Belief) -> Belief:
    weight = belief.a + belief.b
    low, high = PRIOR_WEIGHT_LIMITS
    scale = min(max(weight, low), high) / weight
    return Belief(a=belief.a * scale, b=belief.b * scale)
