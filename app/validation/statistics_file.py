"""`assay sample stats`: which figures a file of ratings, counts, scores or shares gets (API section 5)."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from app.validation import agreement, intervals
from app.validation.agreement import Floats

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Matrix(_File):
    """A rectangle of numbers with at least two rows and one column."""

    matrix: Annotated[list[list[float | None]], Field(min_length=2)]

    @model_validator(mode="after")
    def _is_a_rectangle(self) -> "_Matrix":
        widths = {len(row) for row in self.matrix}
        if len(widths) != 1 or 0 in widths:
            raise ValueError("every row needs the same number of values")
        return self

    def values(self) -> Floats:
        return agreement.as_ratings(self.matrix)


class Ratings(_Matrix):
    """Raters x units; null is a missing rating."""

    kind: Literal["ratings"]

    @model_validator(mode="after")
    def _has_a_pair(self) -> "Ratings":
        if not ((~np.isnan(self.values())).sum(axis=0) > 1).any():
            raise ValueError("no unit has two ratings")
        return self


class _Complete(_Matrix):
    @model_validator(mode="after")
    def _misses_nothing(self) -> "_Complete":
        if np.isnan(self.values()).any():
            raise ValueError("nothing may be missing here")
        return self


class Counts(_Complete):
    """Units x categories: how many raters gave each."""

    kind: Literal["counts"]


class Table(_Complete):
    """Two raters' square table of counts."""

    kind: Literal["table"]

    @model_validator(mode="after")
    def _is_square(self) -> "Table":
        if len(self.matrix) != len(self.matrix[0]):
            raise ValueError("the table must be square")
        return self


class Icc(_Complete):
    """Subjects x raters."""

    kind: Literal["icc"]


class Proportions(_File):
    """Pairs of found and looked at."""

    kind: Literal["proportions"]
    pairs: Annotated[list[tuple[Count, Annotated[int, Field(ge=1)]]], Field(min_length=1)]


class PChart(_File):
    """The mean share and the size of a sample."""

    kind: Literal["pchart"]
    pbar: Share
    n: Annotated[int, Field(ge=1)]


class Funnel(_File):
    """The share of everybody and the size of one sample."""

    kind: Literal["funnel"]
    p: Annotated[float, Field(gt=0, lt=1)]
    n: Annotated[int, Field(ge=1)]


AnyFile = Annotated[Ratings | Counts | Table | Icc | Proportions | PChart | Funnel, Field(discriminator="kind")]
READER: TypeAdapter[Any] = TypeAdapter(AnyFile)


def statistics(content: object) -> dict[str, Any]:
    """Return the figures of a file. Raises pydantic's ValidationError for another shape."""
    file = READER.validate_python(content)
    return FIGURES[file.kind](file)


def _ratings(file: Ratings) -> dict[str, Any]:
    ratings = file.values()
    counts, values = agreement.counts_of(ratings), agreement.categories_of(ratings)
    rated = int(((~np.isnan(ratings)).sum(axis=0) > 1).sum())
    ac1 = agreement.gwet_ac(counts, agreement.identity_weights(values))
    return {
        "units": ratings.shape[1],
        "raters": ratings.shape[0],
        "enough": rated >= agreement.ENOUGH_UNITS,
        "krippendorff_alpha": {name: agreement.krippendorff_alpha(ratings, name) for name in agreement.METRICS},
        "fleiss_kappa": agreement.fleiss_kappa(counts),
        "conger_kappa": agreement.conger_kappa(ratings),
        "gwet_ac1": {"value": ac1.value, "pa": ac1.pa, "pe": ac1.pe},
        "gwet_ac2": {
            "quadratic": agreement.gwet_ac(counts, agreement.quadratic_weights(values)).value,
            "linear": agreement.gwet_ac(counts, agreement.linear_weights(values)).value,
        },
    }


def _counts(file: Counts) -> dict[str, Any]:
    counts = file.values()
    return {
        "fleiss_kappa": agreement.fleiss_kappa(counts),
        "gwet_ac1": agreement.gwet_ac(counts, np.eye(counts.shape[1])).value,
    }


def _table(file: Table) -> dict[str, Any]:
    table = file.values()
    values = np.arange(len(table), dtype=np.float64)
    weights = {
        "unweighted": agreement.identity_weights(values),
        "linear": agreement.linear_weights(values),
        "quadratic": agreement.quadratic_weights(values),
    }
    plain = agreement.cohen_kappa(table, weights["unweighted"])
    return {
        "cohen_kappa": {name: agreement.cohen_kappa(table, each).value for name, each in weights.items()}
        | {"se": plain.se, "interval": list(plain.interval)},
        "gwet_ac1": agreement.gwet_ac_of_table(table, weights["unweighted"]).value,
        "gwet_ac2": agreement.gwet_ac_of_table(table, weights["quadratic"]).value,
    }


def _icc(file: Icc) -> dict[str, Any]:
    return {"icc": agreement.icc(file.values())}


def _proportions(file: Proportions) -> dict[str, Any]:
    return {
        "proportions": [
            {
                "wilson": list(intervals.wilson(faults, n)),
                "clopper_pearson": list(intervals.clopper_pearson(faults, n)),
                "jeffreys": list(intervals.jeffreys(faults, n)),
            }
            for faults, n in file.pairs
        ]
    }


def _pchart(file: PChart) -> dict[str, Any]:
    lower, upper = intervals.p_chart(pbar=file.pbar, n=file.n)
    return {"lower": lower, "upper": upper}


def _funnel(file: Funnel) -> dict[str, Any]:
    return dict(intervals.funnel(p=file.p, n=file.n))


FIGURES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "ratings": _ratings,
    "counts": _counts,
    "table": _table,
    "icc": _icc,
    "proportions": _proportions,
    "pchart": _pchart,
    "funnel": _funnel,
}
