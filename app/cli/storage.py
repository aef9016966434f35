"""`assay storage show`: where the objects of one evidence lie, for operators."""

from typing import Annotated
from uuid import UUID

import typer
from sqlmodel import select

from app.cli.output import AsJson, read_unit, show
from app.errors import NotFound
from app.evidence.models import Evidence, Rendition
from app.settings import load_settings
from app.storage.embedded import located

storage = typer.Typer(no_args_is_help=True, help="The object storage.")


@storage.callback()
def group() -> None:
    """Keep `show` a command of its own while it is the only one."""


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
