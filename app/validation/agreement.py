"""How far raters agree: alpha, kappas, AC1 and AC2, ICC. Pure numpy, equal to the published reference values.

Source: assessment-science section 4. `nan` marks a missing rating. Kappa collapses at skewed prevalence: show it
beside AC, never alone, and nothing at all below `ENOUGH_UNITS` double-marked units.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ENOUGH_UNITS = 10
PAIR = 2


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A chance-corrected agreement, with the observed (pa) and the expected agreement (pe)."""

    value: float
    pa: float
    pe: float


def _coefficient(pa: float, pe: float) -> Coefficient:
    # Only one category was ever used: nothing to correct for, agreement is whole.
    value = (pa - pe) / (1 - pe) if pe < 1 else 1.0
    return Coefficient(value=value, pa=pa, pe=pe)


def categories_of(ratings: Floats) -> Floats:
    """Return the values that were used, ascending."""
    return np.unique(ratings[~np.isnan(ratings)])


def counts_of(ratings: Floats) -> Floats:
    """Return units x categories: how many raters gave each category. `ratings` is raters x units."""
    categories = categories_of(ratings)
    return np.stack([(ratings == each).sum(axis=0) for each in categories], axis=1).astype(np.float64)


def identity_weights(values: Floats) -> Floats:
    """Return weights that count exact agreement only."""
    return np.eye(len(values))


def linear_weights(values: Floats) -> Floats:
    """Return weights that fall with the distance of two categories."""
    return _weights(values, power=1)


def quadratic_weights(values: Floats) -> Floats:
    """Return weights that fall with the squared distance of two categories."""
    return _weights(values, power=2)


def _weights(values: Floats, *, power: int) -> Floats:
    if len(values) < PAIR:
        return np.eye(len(values))
    distance = np.abs(values[:, None] - values[None, :]) / (values[-1] - values[0])
    return np.asarray(1 - distance**power)


def observed_agreement(counts: Floats, weights: Floats) -> float:
    """Return the weighted share of agreeing pairs, averaged over units with two ratings or more."""
    raters = counts.sum(axis=1)
    paired = counts[raters >= PAIR]
    each = raters[raters >= PAIR]
    agreeing = (paired * (paired @ weights.T - 1)).sum(axis=1)
    return float(np.mean(agreeing / (each * (each - 1))))


def prevalence(counts: Floats) -> Floats:
    """Return how often each category was given, each rated unit counting the same."""
    rated = counts[counts.sum(axis=1) > 0]
    return np.asarray((rated / rated.sum(axis=1, keepdims=True)).mean(axis=0))


def gwet_ac(counts: Floats, weights: Floats) -> Coefficient:
    """Return AC1 (identity weights) or AC2."""
    share, q = prevalence(counts), counts.shape[1]
    pe = float(weights.sum() / (q * (q - 1)) * (share * (1 - share)).sum()) if q > 1 else 0.0
    return _coefficient(observed_agreement(counts, weights), pe)


def fleiss_kappa(counts: Floats) -> float:
    """Return Fleiss' kappa, missing ratings allowed."""
    pe = float((prevalence(counts) ** 2).sum())
    return _coefficient(observed_agreement(counts, np.eye(counts.shape[1])), pe).value


def conger_kappa(ratings: Floats) -> float:
    """Return Conger's kappa: chance agreement from each rater's own habits. `ratings` is raters x units."""
    categories = categories_of(ratings)
    given = np.stack([(ratings == each).sum(axis=1) for each in categories], axis=1)
    own = given / given.sum(axis=1, keepdims=True)
    raters = len(own)
    mean = own.mean(axis=0)
    spread = (own**2).sum(axis=0) - raters * mean**2
    pe = float((mean**2 - spread / (raters * (raters - 1))).sum())
    return _coefficient(observed_agreement(counts_of(ratings), np.eye(len(categories))), pe).value


Difference = Callable[[Floats, Floats], Floats]


def _nominal(values: Floats, _totals: Floats) -> Floats:
    return np.asarray(values[:, None] != values[None, :], dtype=np.float64)


def _ordinal(values: Floats, totals: Floats) -> Floats:
    upto = np.cumsum(totals)
    between = np.abs(upto[:, None] - upto[None, :])
    # Ranks between two values: all in between and half of the two themselves.
    half = np.where(values[:, None] < values[None, :], totals[:, None] - totals[None, :], 0) / 2
    signed = between + half + half.T
    return np.asarray(signed**2)


def _interval(values: Floats, _totals: Floats) -> Floats:
    return np.asarray((values[:, None] - values[None, :]) ** 2)


def _ratio(values: Floats, _totals: Floats) -> Floats:
    total = values[:, None] + values[None, :]
    return np.asarray(
        np.divide(values[:, None] - values[None, :], total, out=np.zeros_like(total), where=total != 0) ** 2
    )


METRICS: Mapping[str, Difference] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}


def krippendorff_alpha(ratings: Floats, metric: str) -> float:
    """Return Krippendorff's alpha. `ratings` is raters x units; units with one rating don't count."""
    counts = counts_of(ratings)
    paired = counts[counts.sum(axis=1) >= PAIR]
    each = paired.sum(axis=1)
    coincidences = (paired / (each - 1)[:, None]).T @ paired - np.diag((paired / (each - 1)[:, None]).sum(axis=0))
    totals = paired.sum(axis=0)
    distance = METRICS[metric](categories_of(ratings), totals)
    expected = float((np.outer(totals, totals) * distance).sum())
    if expected == 0:
        return 1.0
    return 1 - float((totals.sum() - 1) * (coincidences * distance).sum()) / expected


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with its asymptotic standard error (Fleiss, Cohen, Everitt 1969) and 95 % interval."""

    value: float
    se: float
    interval: tuple[float, float]


def cohen_kappa(table: Floats, weights: Floats) -> Kappa:
    """Return kappa of two raters from their square table of counts."""
    n = table.sum()
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    pa, pe = float((weights * p).sum()), float((weights * np.outer(rows, columns)).sum())
    value = _coefficient(pa, pe).value
    if pe >= 1:
        return Kappa(value=value, se=0.0, interval=(value, value))
    by_row, by_column = weights @ columns, rows @ weights
    terms = weights - (by_row[:, None] + by_column[None, :]) * (1 - value)
    variance = ((p * terms**2).sum() - (value - pe * (1 - value)) ** 2) / (n * (1 - pe) ** 2)
    se = math.sqrt(max(0.0, float(variance)))
    reach = NormalDist().inv_cdf(0.975) * se
    return Kappa(value=value, se=se, interval=(value - reach, value + reach))


def gwet_ac_of_table(table: Floats, weights: Floats) -> Coefficient:
    """Return AC1 or AC2 of two raters from their square table of counts."""
    p = table / table.sum()
    share, q = (p.sum(axis=1) + p.sum(axis=0)) / 2, len(p)
    pe = float(weights.sum() / (q * (q - 1)) * (share * (1 - share)).sum()) if q > 1 else 0.0
    return _coefficient(float((weights * p).sum()), pe)


def icc(scores: Floats) -> dict[str, float]:
    """Return the intraclass correlations of subjects x raters (McGraw and Wong's names), nothing missing."""
    n, k = scores.shape
    mean = scores.mean()
    rows = k * float(((scores.mean(axis=1) - mean) ** 2).sum())
    columns = n * float(((scores.mean(axis=0) - mean) ** 2).sum())
    whole = float(((scores - mean) ** 2).sum())
    msr, msc = rows / (n - 1), columns / (k - 1)
    mse, msw = (whole - rows - columns) / ((n - 1) * (k - 1)), (whole - rows) / (n * (k - 1))
    return {
        "1,1": (msr - msw) / (msr + (k - 1) * msw),
        "A,1": (msr - mse) / (msr + (k - 1) * mse + k / n * (msc - mse)),
        "C,1": (msr - mse) / (msr + (k - 1) * mse),
        "1,k": (msr - msw) / msr,
        "A,k": (msr - mse) / (msr + (msc - mse) / n),
        "C,k": (msr - mse) / msr,
    }


def as_ratings(rows: Sequence[Sequence[float | None]]) -> Floats:
    """Return raters x units from lists in which None is a missing rating."""
    return np.array([[math.nan if each is None else each for each in row] for row in rows], dtype=np.float64)
