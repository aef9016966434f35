"""`assay credential`: check any credential; revoke, suspend, reinstate and bundle our own."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Engine, make_url

from app.cli.output import AsJson, read_unit, show, write_unit
from app.credentials import bundle as bundles
from app.credentials import publishing, standing
from app.credentials.answers import credential_json, report_json
from app.credentials.checks import verify as check
from app.credentials.keyring import base_of
from app.credentials.rules import Act
from app.credentials.sources import offline_sources, open_address, own_sources, sealed_credential
from app.credentials.verdict import EvidenceProof, IssuerKeys, Report, Sources
from app.db.engine import make_engine
from app.errors import Invalid, NotFound, Unavailable
from app.schema.migrate import is_current
from app.settings import load_settings
from app.web.fetch import Fetcher

credential = typer.Typer(no_args_is_help=True, help="Check credentials; revoke, suspend, reinstate or bundle them.")

ME = "command line"
Id = Annotated[str, typer.Argument(help="Id of the credential, or its address.")]
Reason = Annotated[str, typer.Option(help="Why; shown on the check page.")]


@credential.command("verify")
def verify(
    what: Annotated[str, typer.Argument(metavar="FILE_OR_URL", help="JSON, JWT, PNG or SVG, or an address.")],
    offline: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A bundle's folder: ask nobody else.")
    ] = None,
    now: Annotated[str | None, typer.Option(help="Check as at this time (RFC 3339).")] = None,
    evidence: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="An evidence file to recognise.")
    ] = None,
    salt: Annotated[str | None, typer.Option(help="The salt that the holder keeps for this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a credential: one line for each check. Exit 0 when it is genuine and in force, 1 otherwise.

    Example: assay credential verify badge.png
    """
    moment = _moment(now) if now else datetime.now(UTC)
    proof = _evidence(evidence, salt)
    if offline:
        report = check(_file(what), sources=offline_sources(offline), now=moment, evidence=proof)
    else:
        report = _online(what, now=moment, evidence=proof)
    _print(report, as_json=as_json)
    raise typer.Exit(0 if report.in_force else 1)


@credential.command("revoke")
def revoke(identifier: Id, reason: Reason, as_json: AsJson = False) -> None:
    """Revoke a credential for good.

    Example: assay credential revoke 5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d --reason "Issued in error"
    """
    _act(identifier, Act.REVOKE, reason=reason, as_json=as_json)


@credential.command("suspend")
def suspend(identifier: Id, reason: Reason, as_json: AsJson = False) -> None:
    """Suspend a credential for the time being, where its achievement allows it.

    Example: assay credential suspend 5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d --reason "Appeal under review"
    """
    _act(identifier, Act.SUSPEND, reason=reason, as_json=as_json)


@credential.command("reinstate")
def reinstate(identifier: Id, reason: Reason, as_json: AsJson = False) -> None:
    """Put a suspended credential in force again.

    Example: assay credential reinstate 5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d --reason "Appeal dismissed"
    """
    _act(identifier, Act.REINSTATE, reason=reason, as_json=as_json)


@credential.command("bundle")
def bundle(
    identifier: Id,
    out: Annotated[Path, typer.Option("--output", "-o", dir_okay=False, help="The ZIP file to write.")],
) -> None:
    """Write a ZIP with which anybody can check the credential without this site.

    Example: assay credential bundle 5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d -o amina.zip
    """
    with read_unit() as session:
        row = sealed_credential(session, str(_id(identifier)))
        out.write_bytes(bundles.bundle(session, load_settings(), credential=row))
    print(f"{out}: check it with: assay credential verify credential.json --offline FOLDER")


def _act(identifier: str, what: Act, *, reason: str, as_json: bool) -> None:
    """Change it and publish its list at once; where the key is elsewhere, a worker publishes."""
    settings, now = load_settings(), datetime.now(UTC)
    with write_unit() as session:
        row = standing.act(session, credential_id=_id(identifier), what=what, reason=reason, now=now)
        answer = credential_json(row, base_url=base_of(settings), now=now)
        number = row.status_list
    with _database() as engine:
        if engine is not None:
            _publish(engine, number, now=now)
    show(answer, as_json=as_json)


def _publish(engine: Engine, number: int, *, now: datetime) -> None:
    try:
        publishing.publish(engine, load_settings(), number=number, now=now)
    except Unavailable as error:
        print(f"A worker will publish the status list: {error}")


def _online(what: str, *, now: datetime, evidence: EvidenceProof | None) -> Report:
    fetcher = Fetcher()
    with _database() as engine:
        sources = (
            own_sources(engine, load_settings(), fetcher=fetcher, on_behalf_of=ME) if engine else _strangers(fetcher)
        )
        return check(_content(what, engine, fetcher), sources=sources, now=now, evidence=evidence)


def _content(what: str, engine: Engine | None, fetcher: Fetcher) -> bytes:
    if not what.startswith(("http://", "https://")):
        return _file(what)
    if engine is None:
        return fetcher.fetch(what, on_behalf_of=ME).content
    return open_address(what, engine=engine, settings=load_settings(), fetcher=fetcher, on_behalf_of=ME)


def _strangers(fetcher: Fetcher) -> Sources:
    """Without a database of ours nobody is known; status lists still come from the web."""

    def issuer(_identifier: str) -> IssuerKeys | None:
        return None

    def status_list(address: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(fetcher.fetch(address, on_behalf_of=ME).content)
        return found

    return Sources(issuer=issuer, status_list=status_list)


@contextmanager
def _database() -> Iterator[Engine | None]:
    """Open the configured database if there is one; checking a file must not create any."""
    url = make_url(load_settings().database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        yield None
        return
    engine = make_engine(load_settings().database)
    try:
        yield engine if is_current(engine) else None
    finally:
        engine.dispose()


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        show(report_json(report, lambda text, **params: text % params if params else text), as_json=True)
        return
    for one in report.checks:
        print(f"{'ok  ' if one.ok else 'FAIL'}  {one.name}: {one.sentence()}")
    names = [named.name for named in (report.holder, report.achievement, report.issuer) if named and named.name]
    print(f"{report.verdict.value}, {'in force' if report.in_force else 'not in force'}: {' | '.join(names)}")


def _file(what: str) -> bytes:
    try:
        return Path(what).read_bytes()
    except OSError as error:
        raise NotFound("The file %(path)s can't be read.", path=what) from error


def _evidence(file: Path | None, salt: str | None) -> EvidenceProof | None:
    if (file is None) != (salt is None):
        raise Invalid("Give the evidence file and its salt together.")
    if file is None or salt is None:
        return None
    with file.open("rb") as opened:
        return EvidenceProof(hashlib.file_digest(opened, "sha256").hexdigest(), salt)


def _id(identifier: str) -> UUID:
    try:
        return UUID(identifier.rsplit("/", 1)[-1].split(".", 1)[0])
    except ValueError as error:
        raise NotFound("There is no such credential.") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("A time looks like 2026-11-24T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
