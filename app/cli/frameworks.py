"""`assay framework`: frameworks and rubrics as files, in our own JSON (the shape of demo-frameworks.json)."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.accounts.people import organisation_by_code
from app.cli.output import AsJson, read_unit, show, write_unit
from app.errors import Invalid
from app.frameworks.exchange import export_framework, import_file, read_file

framework = typer.Typer(no_args_is_help=True, help="Frameworks and rubrics as files.")
OrgCode = Annotated[str, typer.Option("--org", help="Code of the organisation.")]


class Format(StrEnum):
    """The formats that this version reads and writes."""

    ASSAY = "assay"


FileFormat = Annotated[Format, typer.Option("--format", help="Format of the file.")]


@framework.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The JSON file.")],
    org_code: OrgCode,
    form: FileFormat = Format.ASSAY,  # noqa: ARG001  # one format so far
    as_json: AsJson = False,
) -> None:
    """Import a framework with its rubrics. The same file twice changes nothing; published rubrics never change.

    Example: assay framework import rubrics.json --org banking
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Invalid("%(file)s is not JSON: %(problem)s", file=str(file), problem=str(error)) from error
    if not isinstance(content, dict):
        raise Invalid("%(file)s must hold one JSON object.", file=str(file))
    with write_unit() as session:
        organisation = organisation_by_code(session, org_code)
        imported = import_file(session, file=read_file(content), organisation_id=organisation.id, now=datetime.now(UTC))
    answer = {"framework": imported.framework, "rubrics": imported.rubrics, "unchanged": imported.unchanged}
    show(answer, as_json=as_json)


@framework.command("export")
def export_command(
    code: Annotated[str, typer.Argument(help="Code of the framework.")],
    org_code: OrgCode,
    form: FileFormat = Format.ASSAY,  # noqa: ARG001  # one format so far
) -> None:
    """Print a framework with its rubrics as JSON.

    Example: assay framework export demo-banking --org banking > rubrics.json
    """
    with read_unit() as session:
        organisation = organisation_by_code(session, org_code)
        content = export_framework(session, code=code, organisation_id=organisation.id)
    print(json.dumps(content, ensure_ascii=False, indent=1))
