"""`assay evidence`: whether the storage still holds what was sent, and the way back when it does again."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Engine
from sqlmodel import Session, col, or_, select

from app.cli.output import AsJson, configured_engine, show
from app.db.engine import reading
from app.errors import Invalid, NotFound
from app.evidence.custody import Finding, everything
from app.evidence.models import Submission
from app.home.investigating import verify_again
from app.settings import load_settings
from app.storage.client import Storage
from app.storage.embedded import located

evidence = typer.Typer(no_args_is_help=True, help="The originals that people sent.")


@evidence.callback()
def group() -> None:
    """Keep `verify` a command of its own while it is the only one."""


@evidence.command("verify")
def verify(
    submission: Annotated[str, typer.Argument(help="Id or reference of the submission.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Look at every submission.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read every original again and compare it with digest, manifest and signed receipt; exit 1 on a difference.

    What differs becomes damaged, and nobody judges it; what is right again, restored from a backup, is cleared.

    Example: assay evidence verify 7QK2-M9CD --json
    """
    if every == bool(submission):
        raise Invalid("Name one submission by its id or reference, or say --all.")
    findings: list[Finding] = []
    with configured_engine() as engine:
        storage = Storage(located(load_settings()))
        for submission_id in _wanted(engine, submission):
            for finding in verify_again(engine, storage, submission_id):
                findings.append(finding)
                if not as_json:
                    print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.subject}: {finding.said}", flush=True)
    ok = all(finding.ok for finding in findings)
    if as_json:
        show({"ok": ok, "findings": [asdict(each) for each in findings]}, as_json=True)
    raise typer.Exit(0 if ok else 1)


def _wanted(engine: Engine, named: str) -> list[UUID]:
    with reading(engine) as session:
        return [submission_named(session, named).id] if named else everything(session)


def submission_named(session: Session, named: str) -> Submission:
    """Return a submission by its id or reference, as people type it. NotFound without such a one."""
    spoken = named.upper().replace("-", "")
    mine = or_(col(Submission.reference) == f"{spoken[:4]}-{spoken[4:]}", col(Submission.id) == _as_id(named))
    found = session.exec(select(Submission).where(mine)).first()
    if found is None:
        raise NotFound(
            "There is no submission %(named)s. Its page and the queue show its reference, such as 7QK2-M9CD.",
            named=named,
        )
    return found


def _as_id(named: str) -> UUID | None:
    try:
        return UUID(named)
    except ValueError:
        return None
