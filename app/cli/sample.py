"""`assay sample`: plans, draws and figures from the shell (API section 5). `sample_lots` has what needs a database."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.output import AsJson, show
from app.cli.sample_lots import policy, verify_command
from app.validation.acceptance import (
    AcceptChance,
    TwoPoints,
    average_outgoing_quality_limit,
    binomial_chance,
    cochran_sizes,
    detection_sizes,
    faults_left,
    find_plan,
    fixed_rate_sizes,
    hypergeometric_chance,
    operating_curve,
    poisson_chance,
    sprt_lines,
)
from app.validation.draw import SECRET_BYTES, below, commitment, draw_all, smallest
from app.validation.iso2859 import Severity, iso2859_sizes, severities
from app.validation.plans import DEFAULT_PLAN, Sizes, Tier, adaptive_sizes

DEFAULT_RATES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
# A search for a plan ends here: no lot of judgements is larger.
MOST_SAMPLED = 5000

sample = typer.Typer(no_args_is_help=True, help="Sampling plans, draws and what a sample can say.")
sample.add_typer(policy, name="policy")
sample.command("verify")(verify_command)


class PlanEngine(StrEnum):
    """How sizes and acceptance numbers are found."""

    ADAPTIVE = "adaptive"
    ISO2859 = "iso2859"
    FIXED = "fixed"


class FixedMode(StrEnum):
    """What a fixed sample is for."""

    RATE = "rate"
    DETECT = "detect"
    COCHRAN = "cochran"


class Model(StrEnum):
    """The distribution of faults in a sample."""

    BINOMIAL = "binomial"
    POISSON = "poisson"
    HYPERGEOMETRIC = "hypergeometric"


LotSize = Annotated[int, typer.Option("--lot", min=1, help="Decisions in the lot.")]
Share = Annotated[float, typer.Option(min=0, max=1)]


@sample.command("plan")
def plan_command(  # noqa: PLR0913, PLR0917 - each option is in API section 5
    lot: LotSize,
    engine: Annotated[PlanEngine, typer.Option()] = PlanEngine.ADAPTIVE,
    level: Annotated[str, typer.Option(help="I, II, III, S-1 to S-4, for --engine iso2859.")] = "II",
    aql: Annotated[str, typer.Option(help="In percent, as in the standard.")] = "6.5",
    severity: Annotated[Severity, typer.Option()] = Severity.NORMAL,
    mode: Annotated[FixedMode, typer.Option(help="For --engine fixed.")] = FixedMode.RATE,
    rate: Share = 0.25,
    min_n: Annotated[int, typer.Option("--min-n", min=1)] = 1,
    detect_rate: Share = 0.1,
    margin: Annotated[float, typer.Option(min=0.001, max=0.5)] = 0.1,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.9999)] = 0.95,
    faults: Annotated[int, typer.Option(min=0, help="Found wrong so far.")] = 0,
    sampled: Annotated[int, typer.Option(min=0, help="Validated so far.")] = 0,
    tier: Annotated[Tier, typer.Option(help="Tier before these results.")] = Tier.PROBATION,
    as_json: AsJson = False,
) -> None:
    """Say how many decisions of a lot to validate, and how many faults accept or reject it.

    Example: assay sample plan --engine adaptive --lot 25 --faults 0 --sampled 20
    """
    if engine is PlanEngine.ADAPTIVE:
        show(_adaptive(lot=lot, faults=faults, sampled=sampled, tier=tier), as_json=as_json)
        return
    if engine is PlanEngine.ISO2859:
        sizes = _iso2859(lot=lot, level=level, aql=aql, severity=severity)
    elif mode is FixedMode.DETECT:
        sizes = detection_sizes(lot=lot, detect_rate=detect_rate, confidence=confidence)
    elif mode is FixedMode.COCHRAN:
        sizes = cochran_sizes(lot=lot, margin=margin, confidence=confidence)
    else:
        sizes = fixed_rate_sizes(lot=lot, rate=rate, min_n=min_n)
    show(_sizes_answer(sizes), as_json=as_json)


def _iso2859(*, lot: int, level: str, aql: str, severity: Severity) -> Sizes:
    if severity is Severity.FULL:
        raise typer.BadParameter("Discontinued: every decision is validated.", param_hint="--severity")
    return iso2859_sizes(lot=lot, level=level, aql=aql, severity=severity)


def _sizes_answer(sizes: Sizes) -> dict[str, Any]:
    return {"n": sizes.n, "accept": sizes.accept, "reject_at": sizes.reject_at, "reason": sizes.reason}


def _adaptive(*, lot: int, faults: int, sampled: int, tier: Tier) -> dict[str, Any]:
    from app.validation import posterior  # noqa: PLC0415 - scipy must not slow every other command down

    if faults > sampled:
        raise typer.BadParameter("There can't be more faults than decisions sampled.", param_hint="--faults")
    settings = DEFAULT_PLAN.posterior
    belief = posterior.prior(settings).after(faults=faults, sampled=sampled)
    after = posterior.next_tier(belief, tier=tier, settings=settings)
    figures = {"p_bad": belief.p_bad(settings.bad_rate), "mean": belief.mean, "tier": after.value}
    return _sizes_answer(adaptive_sizes(DEFAULT_PLAN, tier=after, lot=lot)) | figures


@sample.command("draw")
def draw_command(
    secret: Annotated[str, typer.Option(help="64 hex digits.")],
    plan: Annotated[str, typer.Option(help="The plan's id.")],
    plan_version: Annotated[int, typer.Option("--plan-version", min=1)],
    keys: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="One decision key a line.")],
    rate: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    n: Annotated[int | None, typer.Option("--n", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Repeat a draw: the same secret, plan and keys give the same picks, for everybody.

    Example: assay sample draw --secret 00...1f --plan p --plan-version 1 --keys keys.txt --n 7
    """
    names = [line.strip() for line in keys.read_text("utf-8").splitlines() if line.strip()]
    if len(set(names)) != len(names):
        raise typer.BadParameter("A key is there twice.", param_hint="--keys")
    if (rate is None) == (n is None):
        raise typer.BadParameter("Give either --rate or --n.")
    known = _secret(secret)
    draws = draw_all(known, plan_id=plan, plan_version=plan_version, keys=names)
    picked = below(draws, rate) if rate is not None else smallest(draws, n or 0)
    answer = {
        "commitment": commitment(known),
        "draws": [{"key": each.key, "u": each.u} for each in draws],
        "picked": [each.key for each in picked],
    }
    show(answer, as_json=as_json)


def _secret(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text)
    except ValueError as error:
        raise typer.BadParameter("Not hex digits.", param_hint="--secret") from error
    if len(secret) != SECRET_BYTES:
        raise typer.BadParameter("A secret has 64 hex digits.", param_hint="--secret")
    return secret


@sample.command("bound")
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


@sample.command("oc")
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


@sample.command("find")
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


@sample.command("sprt")
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


@sample.command("switch")
def switch_command(
    history: Annotated[str, typer.Option(help="A for each accepted lot, R for each rejected one.")],
    accept: Annotated[int, typer.Option(min=0, help="The plan's acceptance number.")],
    as_json: AsJson = False,
) -> None:
    """Show how strictly each lot of a history is inspected, and the next one.

    Example: assay sample switch --history AARAR --accept 1
    """
    if set(history) - {"A", "R"}:
        raise typer.BadParameter("Write A and R only.", param_hint="--history")
    show({"severity": [each.value for each in severities(history, accept=accept)]}, as_json=as_json)


@sample.command("prior")
def prior_command(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], as_json: AsJson = False) -> None:
    """Fit the prior to the results of many assessors: {"faults": [...], "sampled": [...]}.

    Example: assay sample prior results.json
    """
    from app.validation.posterior import fit_prior  # noqa: PLC0415 - scipy, as above

    faults, sampled = _results(file)
    fitted, capped = fit_prior(faults=faults, sampled=sampled)
    answer = {"ml": {"a": fitted.a, "b": fitted.b}, "a": capped.a, "b": capped.b}
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
