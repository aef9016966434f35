"""`assay audit`: says whether the audit trail is whole."""

import typer

from app.audit.service import verify
from app.cli.output import AsJson, read_unit, show

audit = typer.Typer(no_args_is_help=True, help="The audit trail.")


@audit.callback()
def group() -> None:
    """Keep `verify` a command of its own while it is the only one."""


@audit.command("verify")
def verify_command(as_json: AsJson = False) -> None:
    """Recompute the hash chain; exit 1 when a row was changed, added or removed.

    Example: assay audit verify --json
    """
    with read_unit() as session:
        verdict = verify(session)
    show({"ok": verdict.ok, "rows": verdict.rows, "first_bad_seq": verdict.first_bad_seq}, as_json=as_json)
    raise typer.Exit(0 if verdict.ok else 1)
