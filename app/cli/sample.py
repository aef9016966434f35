"""`assay sample`: the group, plans, draws and switching (API section 5). Figures and stored lots: the other two."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import sample_figures as figures
from app.cli.output import AsJson, show
from app.cli.sample_figures import LotSize, Share
from app.cli.sample_lots import policy, verify_command
from app.validation.acceptance import (
    cochran_sizes,
    detection_sizes,
    fixed_rate_sizes,
)
from app.validation.draw import SECRET_BYTES, below, commitment, draw_all, smallest
from app.validation.iso2859 import Severity, iso2859_sizes, severities
from app.validation.plans import DEFAULT_PLAN, Sizes, Tier, adaptive_sizes

sample = typer.Typer(no_args_is_help=True, help="Sampling plans, draws and what a sample can say.")
sample.add_typer(policy, name="policy")
sample.command("verify")(verify_command)
sample.command("bound")(figures.bound_command)
sample.command("oc")(figures.oc_command)
sample.command("find")(figures.find_command)
sample.command("sprt")(figures.sprt_command)
sample.command("prior")(figures.prior_command)
sample.command("stats")(figures.stats_command)


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
