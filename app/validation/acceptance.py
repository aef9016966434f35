"""What a sample can and cannot say: exact counting with integers. Pure, no scipy.

Source: assessment-science 3.3 (curves), 3.4 (detection, faults left), 3.5 (Cochran), 3.6 (SPRT).
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

from app.validation.plans import Sizes, exact, sample_size

AcceptChance = Callable[[int, int, float], float]


def at_most_hypergeometric(*, faults: int, n: int, lot: int, bad: int) -> Fraction:
    """Return the chance of at most `faults` in a sample of `n` when `bad` of `lot` are wrong."""
    # Sample and wrong ones may change places: the smaller number first keeps the binomials small.
    n, bad = sorted((n, bad))
    most = min(faults, n)
    ways = sum(math.comb(bad, k) * math.comb(lot - bad, n - k) for k in range(most + 1))
    return Fraction(ways, math.comb(lot, n))


def at_most_binomial(*, faults: int, n: int, rate: float) -> float:
    """Return the chance of at most `faults` in `n` independent decisions."""
    return math.fsum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(min(faults, n) + 1))


def at_most_poisson(*, faults: int, n: int, rate: float) -> float:
    """Return the chance of at most `faults` when n * rate are expected."""
    mean = n * rate
    return math.fsum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(faults + 1))


def faults_left(*, lot: int, sampled: int, faults: int, confidence: float = 0.95) -> int:
    """Return the most wrong decisions in the whole lot that the sample does not rule out."""
    doubt = 1 - exact(confidence)
    possible = range(faults, lot - sampled + faults + 1)
    # The more are wrong, the less likely so few were found: the first that is ruled out ends the search.
    ruled_out = bisect_left(
        possible,
        True,
        key=lambda bad: at_most_hypergeometric(faults=faults, n=sampled, lot=lot, bad=bad) < doubt,
    )
    return possible[ruled_out - 1]


def detection_size(*, lot: int, bad: int, confidence: float) -> int:
    """Return the smallest sample that meets at least one of `bad` wrong decisions with that confidence."""
    if bad < 1:
        return lot
    doubt = 1 - exact(confidence)
    return bisect_left(
        range(lot + 1),
        True,
        key=lambda n: at_most_hypergeometric(faults=0, n=n, lot=lot, bad=bad) <= doubt,
    )


def cochran_size(*, lot: int, margin: float, confidence: float) -> int:
    """Return the sample for estimating a proportion near one half, with finite population."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    endless = z * z * 0.25 / margin**2
    return min(lot, math.ceil(endless / (1 + (endless - 1) / lot)))


def fixed_rate_sizes(*, lot: int, rate: float, min_n: int) -> Sizes:
    """Size a flat-rate sample. Any fault is looked into: it accepts none."""
    n = sample_size(lot=lot, rate=rate, min_n=min_n)
    return Sizes(n=n, accept=0, reject_at=1, reason=f"rate {rate:g}, at least {min_n}: {n} of {lot}")


def detection_sizes(*, lot: int, detect_rate: float, confidence: float) -> Sizes:
    """Size a sample for finding a fault. A fraction of a wrong decision is rounded down (ISPM 31)."""
    bad = math.floor(exact(detect_rate) * lot)
    n = detection_size(lot=lot, bad=bad, confidence=confidence)
    reason = f"finds at least one of {bad} wrong in {lot} with {confidence:.0%} confidence"
    return Sizes(n=n, accept=0, reject_at=1, reason=reason)


def cochran_sizes(*, lot: int, margin: float, confidence: float) -> Sizes:
    """Size a sample for an estimate. For finding faults use detection instead."""
    n = cochran_size(lot=lot, margin=margin, confidence=confidence)
    reason = f"estimates a share of {lot} within {margin:g} at {confidence:.0%}; not made for finding faults"
    return Sizes(n=n, accept=0, reject_at=1, reason=reason)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How likely a lot with this share of wrong decisions is accepted."""

    rate: float
    accept_probability: float


def operating_curve(*, n: int, accept: int, rates: Sequence[float], lot: int | None = None) -> tuple[CurvePoint, ...]:
    """Return points of the operating characteristic: hypergeometric for a lot, else binomial."""
    return tuple(
        CurvePoint(rate=rate, accept_probability=_accept_chance(n=n, accept=accept, rate=rate, lot=lot))
        for rate in rates
    )


def _accept_chance(*, n: int, accept: int, rate: float, lot: int | None) -> float:
    if lot is None:
        return at_most_binomial(faults=accept, n=n, rate=rate)
    bad = round(exact(rate) * lot)
    return float(at_most_hypergeometric(faults=accept, n=n, lot=lot, bad=bad))


def average_outgoing_quality_limit(*, n: int, accept: int, lot: int | None = None) -> float:
    """Return the worst share of wrong decisions left when rejected lots are put right (binomial)."""
    unseen = 1.0 if lot is None else (lot - n) / lot

    def outgoing(rate: float) -> float:
        return rate * at_most_binomial(faults=accept, n=n, rate=rate) * unseen

    return _maximum(outgoing)


def _maximum(function: Callable[[float], float]) -> float:
    """Find the top of a curve with one hump on [0, 1] by narrowing thirds."""
    low, high = 0.0, 1.0
    while high - low > 1e-9:  # noqa: PLR2004 - far finer than anybody reads
        third = (high - low) / 3
        if function(low + third) < function(high - third):
            low += third
        else:
            high -= third
    return function((low + high) / 2)


@dataclass(frozen=True, slots=True)
class TwoPoints:
    """Accept good work with `good_accept` at least, bad work with `bad_accept` at most."""

    good_rate: float
    good_accept: float
    bad_rate: float
    bad_accept: float


def binomial_chance(n: int, accept: int, rate: float) -> float:
    """Return the chance of acceptance for independent decisions."""
    return at_most_binomial(faults=accept, n=n, rate=rate)


def poisson_chance(n: int, accept: int, rate: float) -> float:
    """Return the chance of acceptance in the Poisson model."""
    return at_most_poisson(faults=accept, n=n, rate=rate)


def hypergeometric_chance(lot: int) -> AcceptChance:
    """Return the chance of acceptance for a lot of this size."""

    def chance(n: int, accept: int, rate: float) -> float:
        return _accept_chance(n=n, accept=accept, rate=rate, lot=lot)

    return chance


def find_plan(points: TwoPoints, *, chance: AcceptChance, most: int) -> tuple[int, int] | None:
    """Return the smallest `(n, accept)` through both points, or None up to `most` decisions.

    For each n the largest accept that still refuses bad work is tried: it is the kindest to good work.
    """
    accept = 0
    for n in range(1, most + 1):
        while accept < n and chance(n, accept + 1, points.bad_rate) <= points.bad_accept:
            accept += 1
        refuses = chance(n, accept, points.bad_rate) <= points.bad_accept
        if refuses and chance(n, accept, points.good_rate) >= points.good_accept:
            return n, accept
    return None


@dataclass(frozen=True, slots=True)
class SprtLines:
    """Accept at `faults <= slope*n - h_accept`, reject at `faults >= slope*n + h_reject`."""

    slope: float
    h_accept: float
    h_reject: float

    def accept_at(self, faults: int) -> int:
        """Return the sample size at which so many faults accept."""
        return math.ceil((faults + self.h_accept) / self.slope)


def sprt_lines(*, p0: float, p1: float, alpha: float, beta: float) -> SprtLines:
    """Return Wald's lines for good rate `p0` and bad rate `p1`."""
    scale = math.log(p1 * (1 - p0) / (p0 * (1 - p1)))
    return SprtLines(
        slope=math.log((1 - p0) / (1 - p1)) / scale,
        h_accept=math.log((1 - alpha) / beta) / scale,
        h_reject=math.log((1 - beta) / alpha) / scale,
    )
