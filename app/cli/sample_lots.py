"""`assay sample policy set` and `assay sample verify`: the sampling commands that read or write the database."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError
from sqlmodel import select

from app.accounts.people import organisation_by_code
from app.cli.output import AsJson, read_unit, show, write_unit
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.frameworks.models import RubricVersion
from app.validation.answers import lot_export
from app.validation.models import Lot, LotState
from app.validation.plans import SamplingPlan
from app.validation.policies import set_plan
from app.validation.verify import Check, verify_lot

policy = typer.Typer(no_args_is_help=True, help="Which sampling plan holds.")
JsonFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A sampling plan as JSON.")]


@policy.callback()
def group() -> None:
    """Keep `set` a command of its own while it is the only one."""


@policy.command("set")
def set_command(
    file: JsonFile,
    org: Annotated[str, typer.Option("--org", help="Code of the organisation.")],
    rubric: Annotated[str | None, typer.Option(help="Code of the rubric; without: every rubric.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set the sampling plan for lots opened from now on; lots that are open keep theirs.

    Example: assay sample policy set plan.json --org banking --rubric teller-service-call
    """
    plan = _plan(_json(file))
    with write_unit() as session:
        organisation = organisation_by_code(session, org)
        known = select(RubricVersion).where(
            RubricVersion.organisation_id == organisation.id, RubricVersion.code == rubric
        )
        if rubric is not None and session.exec(known).first() is None:
            raise NotFound("%(organisation)s has no rubric %(rubric)s.", organisation=org, rubric=rubric)
        stored = set_plan(
            session, organisation_id=organisation.id, rubric_code=rubric, plan=plan, now=datetime.now(UTC)
        )
        answer = {"id": stored.plan_id, "version": stored.version}
    show(answer, as_json=as_json)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Invalid("%(file)s is not JSON.", file=str(file)) from error


def _plan(body: Any) -> SamplingPlan:
    try:
        return SamplingPlan.model_validate(body)
    except ValidationError as error:
        found = tuple(FieldError(".".join(str(part) for part in each["loc"]), each["msg"]) for each in error.errors())
        raise Invalid("This is not a sampling plan that can work.", errors=found) from error


def verify_command(
    lot: Annotated[UUID, typer.Argument(help="Id of the lot.")],
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON of GET /lots/{id} instead of the database.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute commitment, every draw and the selection of a lot. Exit 1 when something is not so.

    Example: assay sample verify 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --file lot.json
    """
    checks = _checks_of_export(lot, _json(file)) if file else _checks_of_stored(lot)
    ok = all(check.ok for check in checks)
    if as_json:
        listed = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        show({"ok": ok, "checks": listed}, as_json=True)
    else:
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.detail}")
    raise typer.Exit(0 if ok else 1)


def _checks_of_export(lot_id: UUID, export: Any) -> tuple[Check, ...]:
    try:
        if UUID(export["id"]) != lot_id:
            raise Invalid("This file is the export of another lot.")
        return verify_lot(export, secret=export["secret"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("This file is not the export of a lot.") from error


def _checks_of_stored(lot_id: UUID) -> tuple[Check, ...]:
    with read_unit() as session:
        lot = session.get(Lot, lot_id)
        if lot is None:
            raise NotFound("There is no lot %(lot)s.", lot=str(lot_id))
        if lot.state is LotState.OPEN:
            raise Conflict("This lot is open: nothing is drawn yet.", code="lot-open")
        return verify_lot(lot_export(session, lot), secret=lot.secret)
