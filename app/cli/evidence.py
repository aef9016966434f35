"""`assay evidence`: whether the storage still holds what was sent, and the way back when it does again."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Engine
from sqlmodel import Session, col, or_, select

from app.cli.output import AsJson, configured_engine, show
from app.credentials.models import SigningKey
from app.db.clock import now_in
from app.db.engine import reading, writing
from app.errors import Invalid, NotFound
from app.evidence.custody import Finding, everything, verify_submission
from app.evidence.models import Submission
from app.home.investigating import issue_again, stop_judging
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

    Example: assay evidence verify 7QK2M9 --json
    """
    if every == bool(submission):
        raise Invalid("Name one submission by its id or reference, or say --all.")
    findings: list[Finding] = []
    with configured_engine() as engine:
        storage = Storage(located(load_settings()))
        for submission_id in _wanted(engine, submission):
            for finding in _verify(engine, storage, submission_id):
                findings.append(finding)
                if not as_json:
                    print(f"{'ok  ' if finding.ok else 'FAIL'} {finding.subject}: {finding.said}", flush=True)
    ok = all(finding.ok for finding in findings)
    if as_json:
        show({"ok": ok, "findings": [asdict(each) for each in findings]}, as_json=True)
    raise typer.Exit(0 if ok else 1)


def _wanted(engine: Engine, named: str) -> list[UUID]:
    with reading(engine) as session:
        if not named:
            return everything(session)
        mine = or_(col(Submission.reference) == named, col(Submission.id) == _as_id(named))
        found = session.exec(select(Submission.id).where(mine)).first()
    if found is None:
        raise NotFound("There is no such submission.")
    return [found]


def _as_id(named: str) -> UUID | None:
    try:
        return UUID(named)
    except ValueError:
        return None


def _verify(engine: Engine, storage: Storage, submission_id: UUID) -> Iterator[Finding]:
    """Look at one submission. Judging has ended before anything is cleared, even if no worker ran meanwhile."""
    with writing(engine) as session:
        now = now_in(session)
        stop_judging(session, submission_id=submission_id, now=now)
    was_cleared = False
    for finding in verify_submission(engine, storage, submission_id, public_key=_public_key, now=now):
        was_cleared = was_cleared or finding.cleared
        yield finding
    if was_cleared:
        with writing(engine) as session:
            issue_again(session, submission_id=submission_id, now=now)


def _public_key(session: Session, kid: str) -> str | None:
    key = session.get(SigningKey, kid)
    return key.public_multibase if key else None
