"""`assay work`, `up`, `init`, `migrate`: the processes, and what must exist before they start."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.errors import Invalid
from app.settings import Settings, load_settings
from app.storage.embedded import located
from app.supervisor.plan import import_path, python
from app.supervisor.prepare import migrate_database, prepare
from app.supervisor.run import Ready, run

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the site on 127.0.0.1; 0 takes any free one.")]
DataDir = Annotated[Path | None, typer.Option("--data", help="Folder of the database, objects, keys and logs.")]


def work(
    queues: Annotated[str, typer.Option(help="Comma-separated: media, speech, quick.")] = "media,speech,quick",
    concurrency: Annotated[int, typer.Option(min=1, help="Jobs of each queue at a time.")] = 1,
) -> None:
    """Run a worker process: it inspects, converts, transcribes, signs.

    With the ASSAY_DATA_DIR of a running `assay up` it finds that storage.

    Example: assay work --queues media,speech --concurrency 2
    """
    known = {"media", "speech", "quick"}
    if not set(queues.split(",")) <= known:
        raise Invalid("--queues takes names from media, speech and quick, with commas between them.")
    located(load_settings())
    command = python("workers", "--queues", queues, "--concurrency", str(concurrency))
    os.environ["PYTHONPATH"] = import_path()
    os.execv(command[0], command)  # noqa: S606  # this process becomes the worker


def up(
    port: Port = 8000,
    data: DataDir = None,
    workers: Annotated[int, typer.Option(min=0, help="0 = no worker: jobs wait.")] = 1,
) -> None:
    """Run everything on this machine: storage, database, worker and site. Ctrl+C stops it.

    Example: assay up --port 8000 --data ./var
    """
    run(with_data_dir(data), port=port, workers=workers, say=say, when_ready=_announce)


def init() -> None:
    """Create or upgrade the database, the bucket and the folders. May be run again at any time.

    With embedded storage, `assay up` does this by itself and makes the bucket. Where the credentials may not
    create the bucket or set its CORS rules, it says who has to do what, and ends with 1.

    Example: ASSAY_S3_ENDPOINT_URL=https://s3.example.org assay init
    """
    settings = load_settings()
    if not settings.s3_endpoint_url:
        migrate_database(settings)
    elif left := prepare(settings):
        for sentence in left:
            print(sentence, file=sys.stderr)
        raise typer.Exit(1)
    print("Ready.")


def migrate() -> None:
    """Bring the database to the schema of this release. May be run again at any time.

    Example: assay migrate
    """
    migrate_database(load_settings())
    print("The database has the newest schema.")


def with_data_dir(data: Path | None) -> Settings:
    """Read the settings; `--data` goes before ASSAY_DATA_DIR."""
    return load_settings() if data is None else load_settings(data_dir=data)


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def _announce(ready: Ready) -> None:
    say(f"Assay runs at {ready.settings.base_url}")
    say(f"Data and logs: {ready.settings.data_dir.absolute()}. Ctrl+C stops everything.")
    sys.stdout.flush()
