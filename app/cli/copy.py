"""`assay copy`: moves an embedded installation into PostgreSQL and S3."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import AsJson, show
from app.cli.processes import DataDir, with_data_dir
from app.moving.copying import Report, copy
from app.moving.keys import copy_keys, key_names
from app.settings import Settings

TO = "The database: postgresql+psycopg://user@host/name; its password by PGPASSWORD or ~/.pgpass"


def copy_command(
    to: Annotated[str, typer.Option(help=TO)],
    endpoint: Annotated[str, typer.Option("--s3-endpoint", help="The address of the S3 service.")],
    bucket: Annotated[str, typer.Option("--s3-bucket", help="Made if it is not there and may be made.")] = "assay",
    region: Annotated[str, typer.Option("--s3-region", help="Else AWS_REGION, else us-east-1.")] = "",
    keys: Annotated[Path | None, typer.Option("--keys", help="Copy the private keys into this folder too.")] = None,
    data: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy an embedded installation (`assay up`) into PostgreSQL and an S3 service. It changes nothing here.

    Stop `assay up` first: the copy starts the storage of the data folder by itself. The database must be empty.
    Credentials of the S3 service: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or a profile or role, as with all
    AWS tools), else ASSAY_S3_ACCESS_KEY and ASSAY_S3_SECRET_KEY; they need the right to list uploads, and to put,
    head and list objects. ASSAY_S3_ADDRESSING and ASSAY_S3_ENCRYPTION count here too.

    Killed or cut off, it goes on where it was when it is started again with the same options. At the end rows,
    digests, audit trail and objects of both sides are compared. Uploads that are not finished don't move: their
    candidates are told to begin again. Exit 1 when objects were damaged or missing here already: they are named.

    Example: assay copy --to postgresql+psycopg://assay@db/assay --s3-endpoint https://s3.example.org --keys /mnt/keys
    """
    settings = with_data_dir(data)
    target = _target(settings, to=to, endpoint=endpoint, bucket=bucket, region=region)
    report = copy(settings, target, say=_quiet if as_json else typer.echo)
    copied = copy_keys(settings.keys, keys) if keys else []
    if as_json:
        show({"ok": not report.differing, **asdict(report), "keys": copied}, as_json=True)
    else:
        _tell(report, settings, target, keys)
    raise typer.Exit(1 if report.differing else 0)


def _target(settings: Settings, *, to: str, endpoint: str, bucket: str, region: str) -> Settings:
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    place = {"database_url": to, "s3_endpoint_url": endpoint, "s3_bucket": bucket}
    return Settings(**{**given, **place, **({"s3_region": region} if region else {})})


def _quiet(_line: str) -> None:
    """Print nothing: the result is JSON."""


def _tell(report: Report, settings: Settings, target: Settings, keys: Path | None) -> None:
    print(f"audit trail: {report.audit.rows} rows on both sides, head {report.audit.head or '(empty)'}")
    print(f"rows: {sum(report.rows.values())} in {len(report.rows)} tables, the same on both sides")
    print(f"objects: {report.objects}, {report.size_bytes} bytes")
    for key in report.differing:
        print(f"not what the database says, here already: {key}")
    names = ", ".join(key_names(settings.keys)) or "none yet"
    print(f"keys ({names}): {_about_keys(settings, keys)}")
    print("Next, on each machine: set ASSAY_DATABASE_URL, ASSAY_BASE_URL and these, and run `assay init` once:")
    print(f"  ASSAY_S3_ENDPOINT_URL={target.s3_endpoint_url} ASSAY_S3_BUCKET={target.s3_bucket}")


def _about_keys(settings: Settings, keys: Path | None) -> str:
    if keys:
        return f"copied to {keys}; name it by ASSAY_SIGNING_KEY_DIR"
    return f"copy {settings.keys} to the new machines yourself and name it there by ASSAY_SIGNING_KEY_DIR"
