"""`assay storage`: where objects lie, whether an upload works, and what a bucket needs; for operators."""

import json
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from sqlmodel import select

from app.cli.checks.check import examined
from app.cli.checks.storage import check_storage
from app.cli.output import AsJson, read_unit, show
from app.errors import NotFound
from app.evidence.models import Evidence, Rendition
from app.settings import load_settings
from app.storage.bucket import cors_rules
from app.storage.embedded import located
from app.web.security import origin_of

storage = typer.Typer(no_args_is_help=True, help="The object storage.")


@storage.command("show")
def show_command(
    evidence: Annotated[UUID, typer.Argument(help="Id of the evidence.")], as_json: AsJson = False
) -> None:
    """Say where the original and the renditions of one evidence lie.

    Example: assay storage show 7b1f0c9e-0f6e-4a44-9d53-0b1f6f1a6a52 --json
    """
    settings = located(load_settings())
    with read_unit() as session:
        found = session.get(Evidence, evidence)
        if found is None:
            raise NotFound("There is no evidence with this id.")
        renditions = session.exec(select(Rendition).where(Rendition.evidence_id == evidence)).all()
    answer = {
        "endpoint_url": settings.s3_endpoint_url,
        "region": settings.s3_region,
        "bucket": settings.s3_bucket,
        "original": {"key": found.object_key},
        "renditions": [{"kind": each.kind.value, "key": each.object_key} for each in renditions],
    }
    show(answer, as_json=as_json)


@storage.command("check")
def check_command(as_json: AsJson = False) -> None:
    """Send a real upload as a browser does, and delete it again: the line `storage` of `assay doctor`. Exit 1 if bad.

    Example: assay storage check
    """
    found = examined("storage", lambda: check_storage(load_settings()))
    show(asdict(found), as_json=as_json)
    raise typer.Exit(1 if found.state == "fail" else 0)


@storage.command("cors")
def cors_command() -> None:
    """Print the CORS rules of the bucket as JSON, for somebody who may set what `assay init` may not.

    Example: assay storage cors > cors.json
    """
    rules = cors_rules([origin_of(load_settings().base_url)])
    print(json.dumps({"CORSRules": rules}, indent=2))
