"""What the commands share: printing results, and units of work on the configured database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from app.db.engine import make_engine, reading, writing
from app.errors import Unavailable
from app.schema.migrate import is_current
from app.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def show(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print a result: JSON for programs, a line for each field for people."""
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    for name, value in answer.items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


@contextmanager
def read_unit() -> Iterator[Session]:
    """Open a snapshot of the configured database."""
    with configured_engine() as engine, reading(engine) as session:
        yield session


@contextmanager
def write_unit() -> Iterator[Session]:
    """Open a write unit on the configured database."""
    with configured_engine() as engine, writing(engine) as session:
        yield session


@contextmanager
def configured_engine() -> Iterator[Engine]:
    """Open the configured database for several units."""
    engine = make_engine(load_settings().database)
    try:
        if not is_current(engine):
            raise Unavailable("The database is not set up or is older than this release. Run: assay init")
        yield engine
    finally:
        engine.dispose()
