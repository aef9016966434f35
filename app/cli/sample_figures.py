"""`assay sample bound`, `oc`, `find`, `sprt`, `prior`, `stats`: what samples and ratings can say."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from app.cli.output import AsJson, show
from app.validation.acceptance import (
    AcceptChance,
    TwoPoints,
    average_outgoing_quality_limit,
    binomial_chance,
    faults_left,
    find_plan,
    hypergeometric_chance,
    operating_curve,
    poisson_chance,
    sprt_lines,
)

DEFAULT_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
# A search for a plan ends here: no lot of judgements is larger.
MOST_SAMPLED = 5000

LotSize = Annotated[int, typer.Option("--lot", min=1, help="Decisions in the lot.")]
Share = Annotated[float, typer.Option(min=0, max=1)]
JsonFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


class Model(StrEnum):
    """The distribution of faults in a sample."""

    BINOMIAL = "binomial"
    POISSON = "poisson"
    HYPERGEOMETRIC = "hypergeometric"


def bound_command(
    lot: LotSize,
    sampled: Annotated[int, typer.Option(min=0)],
    faults: Annotated[int, typer.Option(min=0)],
    as_json: AsJson = False,
) -> None:
    """Say how many wrong decisions a lot may still hold, with 95 % confidence.

    Example: assay sample bound --lot 50 --sampled 8 --faults 0
    """
    if not faults <= sampled <= lot:
        raise typer.BadParameter("Faults can't exceed the sample, nor the sample the lot.")
    show({"upper": faults_left(lot=lot, sampled=sampled, faults=faults)}, as_json=as_json)


def oc_command(
    n: Annotated[int, typer.Option("--n", min=1)],
    accept: Annotated[int, typer.Option(min=0)],
    lot: Annotated[int | None, typer.Option(min=1)] = None,
    rate: Annotated[list[float] | None, typer.Option(min=0, max=1, help="May be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how likely lots of different quality are accepted, and the worst that leaves.

    Example: assay sample oc --n 8 --accept 1 --lot 50 --rate 0.04 --rate 0.1
    """
    if lot is not None and n > lot:
        raise typer.BadParameter("The sample can't be larger than the lot.", param_hint="--n")
    points = operating_curve(n=n, accept=accept, rates=rate or DEFAULT_RATES, lot=lot)
    answer = {
        "points": [{"rate": each.rate, "accept_probability": each.accept_probability} for each in points],
        "aoql": average_outgoing_quality_limit(n=n, accept=accept, lot=lot),
    }
    show(answer, as_json=as_json)


def find_command(
    good_rate: Share,
    good_accept: Share,
    bad_rate: Share,
    bad_accept: Share,
    model: Annotated[Model, typer.Option()] = Model.BINOMIAL,
    lot: Annotated[int | None, typer.Option(min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Find the smallest sample that accepts good work and refuses bad work often enough.

    Example: assay sample find --good-rate .05 --good-accept .95 --bad-rate .15 --bad-accept .075
    """
    if model is Model.HYPERGEOMETRIC and lot is None:
        raise typer.BadParameter("The hypergeometric model needs --lot.", param_hint="--lot")
    points = TwoPoints(good_rate=good_rate, good_accept=good_accept, bad_rate=bad_rate, bad_accept=bad_accept)
    found = find_plan(points, chance=_chance(model, lot), most=lot or MOST_SAMPLED)
    if found is None:
        typer.echo("No sample does both; let the two rates lie further apart.", err=True)
        raise typer.Exit(1)
    show({"n": found[0], "accept": found[1]}, as_json=as_json)


def _chance(model: Model, lot: int | None) -> AcceptChance:
    if model is Model.HYPERGEOMETRIC and lot is not None:
        return hypergeometric_chance(lot)
    return poisson_chance if model is Model.POISSON else binomial_chance


def sprt_command(
    p0: Share,
    p1: Share,
    alpha: Share,
    beta: Share,
    as_json: AsJson = False,
) -> None:
    """Show the lines of a sequential test: after how many decisions so many faults accept.

    Example: assay sample sprt --p0 .05 --p1 .20 --alpha .05 --beta .10
    """
    if not 0 < p0 < p1 < 1 or not 0 < alpha < 1 or not 0 < beta < 1:
        raise typer.BadParameter("Needs 0 < p0 < p1 < 1 and risks between 0 and 1.")
    lines = sprt_lines(p0=p0, p1=p1, alpha=alpha, beta=beta)
    answer = {
        "slope": lines.slope,
        "h_accept": lines.h_accept,
        "h_reject": lines.h_reject,
        "accept_at": [lines.accept_at(faults) for faults in range(4)],
    }
    show(answer, as_json=as_json)


def prior_command(file: JsonFile, as_json: AsJson = False) -> None:
    """Fit the prior to the results of many assessors: {"faults": [...], "sampled": [...]}.

    Example: assay sample prior results.json
    """
    from app.validation.posterior import fit_prior  # noqa: PLC0415 - scipy, as above

    faults, sampled = _results(file)
    fitted, capped = fit_prior(faults=faults, sampled=sampled)
    answer = {"ml": {"a": fitted.a, "b": fitted.b}, "a": capped.a, "b": capped.b}
    show(answer, as_json=as_json)


def stats_command(file: JsonFile, as_json: AsJson = False) -> None:
    """Compute agreement, intervals or limits of a file: {"kind": "ratings", "matrix": [[1, 2], [1, null]]}.

    Kinds: ratings, counts, table, icc, proportions, pchart, funnel.

    Example: assay sample stats ratings.json --json
    """
    from app.validation.statistics_file import statistics  # noqa: PLC0415 - scipy, as above

    try:
        answer = statistics(json.loads(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    except ValueError as error:
        raise typer.BadParameter("This is not JSON.") from error
    show(answer, as_json=as_json)


def _results(file: Path) -> tuple[list[int], list[int]]:
    try:
        body = json.loads(file.read_text("utf-8"))
        faults, sampled = [[int(each) for each in body[name]] for name in ("faults", "sampled")]
    except (ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter('Not of the form {"faults": [...], "sampled": [...]}.') from error
    if len(faults) != len(sampled) or any(not 0 <= k <= n for k, n in zip(faults, sampled, strict=False)):
        raise typer.BadParameter("Each assessor needs faults between 0 and sampled.")
    return faults, sampled
