"""Intervals of shares, and limits of control charts and funnels. Needs scipy: jobs and shell only.

Source: assessment-science section 4 (reference data: Newcombe, textbook p-chart, Spiegelhalter's funnel).
"""

import math
from statistics import NormalDist

from scipy import special

from app.validation.acceptance import at_most_binomial

Interval = tuple[float, float]
SIGMAS = 3


def wilson(faults: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, z2 = faults / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (0.0 if faults == 0 else centre - reach, 1.0 if faults == n else centre + reach)


def clopper_pearson(faults: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the exact interval, which covers at least as often as it says."""
    tail = (1 - confidence) / 2
    low = 0.0 if faults == 0 else float(special.betaincinv(faults, n - faults + 1, tail))
    high = 1.0 if faults == n else float(special.betaincinv(faults + 1, n - faults, 1 - tail))
    return low, high


def jeffreys(faults: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return Jeffreys' interval; its ends are 0 and 1 where nothing or everything was wrong."""
    tail = (1 - confidence) / 2
    a, b = faults + 0.5, n - faults + 0.5
    low = 0.0 if faults == 0 else float(special.betaincinv(a, b, tail))
    high = 1.0 if faults == n else float(special.betaincinv(a, b, 1 - tail))
    return low, high


def p_chart(*, pbar: float, n: int) -> Interval:
    """Return the three-sigma limits of a p-chart."""
    reach = SIGMAS * math.sqrt(pbar * (1 - pbar) / n)
    return max(0.0, pbar - reach), min(1.0, pbar + reach)


def funnel_limit(*, p: float, n: int, below: float) -> float:
    """Return the share that results stay under with the chance `below`, interpolated between whole numbers."""
    r = 0
    while at_most_binomial(faults=r, n=n, rate=p) < below:
        r += 1
    upper = at_most_binomial(faults=r, n=n, rate=p)
    lower = at_most_binomial(faults=r - 1, n=n, rate=p) if r else 0.0
    return max(0.0, (r - (upper - below) / (upper - lower)) / n)


def funnel(*, p: float, n: int) -> dict[str, float]:
    """Return the 95 % and 99.8 % limits around a share `p` for a sample of `n`."""
    return {
        "lower95": funnel_limit(p=p, n=n, below=0.025),
        "upper95": funnel_limit(p=p, n=n, below=0.975),
        "lower998": funnel_limit(p=p, n=n, below=0.001),
        "upper998": funnel_limit(p=p, n=n, below=0.999),
    }
