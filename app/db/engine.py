"""Engines and units of work. Every statement of Assay runs inside `reading` or `writing`.

SQLite write units begin with BEGIN IMMEDIATE: a plain BEGIN that writes later can fail at once with "database is
locked" when another writer was faster, whatever the busy timeout (measured: 567 of 640 tries with 16 threads).
Foreign keys, WAL and the busy timeout are set on each connection: SQLite has foreign keys off by default.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session, create_engine

from app.db.failures import refusals
from app.db.postgres import Limits, is_postgres, server_engine
from app.errors import Invalid
from app.settings import Settings

BUSY_TIMEOUT_MS = 10_000
LAST = "assay_last"


def make_engine(url: str, *, limits: Limits | None = None) -> Engine:
    """Open a database by its SQLAlchemy address. Nothing is read, written or created yet (see `make_file`)."""
    address = _address(url)
    if is_postgres(address):
        return server_engine(address, limits or Limits())
    path = _file(address)
    if path is None:
        raise Invalid(
            "ASSAY_DATABASE_URL names no database that Assay knows: sqlite:///... or postgresql+psycopg://..."
        )
    engine = create_engine(url, creator=lambda: _open(path), hide_parameters=True)  # errors are logged
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def site_engine(settings: Settings) -> Engine:
    """Open the database for a site: nobody waits longer than the set time for one statement."""
    limits = Limits("assay site", settings.database_pool_size, statement=settings.database_statement_seconds)
    return make_engine(settings.database, limits=limits)


def worker_engine(settings: Settings) -> Engine:
    """Open the database for a worker, whose statements may take long."""
    return make_engine(settings.database, limits=Limits("assay worker", settings.database_pool_size, statement=600))


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise Invalid("ASSAY_DATABASE_URL is not an address of a database.", code="bad-setting") from error


def make_file(engine: Engine) -> None:
    """Create the file of an SQLite database, empty, where there is none. Only for who sets Assay up.

    Everybody else must find it: a database whose disk is not mounted is down, not new.
    """
    path = _file(engine.url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def is_made(engine: Engine) -> bool:
    """Say whether the file of an SQLite database is there; a database server always counts as made."""
    path = _file(engine.url)
    return path is None or path.exists()


def _file(url: URL) -> Path | None:
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _open(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode=rw"  # "rw": never create it
    return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Any) -> None:
    writes = connection.get_execution_options().get("assay_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a snapshot: all statements in it see one moment of the database, and nothing can be stored."""
    with refusals(), engine.connect() as plain:
        connection = plain
        if engine.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(bind=connection) as session:
            yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a write unit: all of it is stored when the block ends, or nothing."""
    with refusals(writes=True), engine.connect() as plain:
        connection = plain.execution_options(assay_writes=True)
        with Session(bind=connection, expire_on_commit=False) as session:
            yield session
            _do_last(session)
            session.commit()


def at_the_end(session: Session, name: str, act: Callable[[Session], None]) -> None:
    """Let something be done last in a write unit, just before it is stored. Once for each name, in order of asking.

    What takes a lock that everybody needs belongs here: the lock is then held for the commit only, and nobody who
    holds it waits for a row of somebody else.
    """
    session.info.setdefault(LAST, {}).setdefault(name, act)


def _do_last(session: Session) -> None:
    session.flush()
    for act in session.info.pop(LAST, {}).values():
        act(session)


def is_alive(engine: Engine) -> bool:
    """Say whether the database answers."""
    with reading(engine) as session:
        return bool(session.connection().execute(text("SELECT 1")).scalar_one())


def utc(value: datetime) -> datetime:
    """Return an aware UTC time; SQLite hands naive ones back, which are UTC because only UTC is stored."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
