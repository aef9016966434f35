"""Create or upgrade the database. Idempotent; several processes may call it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, text

from app.db.engine import is_made, make_file
from app.db.failures import refusals
from app.db.postgres import OLDEST
from app.errors import Unavailable

HERE = Path(__file__).parent
VERSION = "alembic_version"
ADVISORY_LOCK = 727276

if TYPE_CHECKING:
    from alembic.config import Config


def configuration(engine: Engine) -> "Config":
    """Return what Alembic needs to know: where the migrations are, and the database."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; an SQLite file is made where there is none."""
    from alembic import command  # noqa: PLC0415  # 11 MB and a tenth of a second: for those who migrate

    make_file(engine)
    with _alone(engine):
        if not is_current(engine):
            command.upgrade(configuration(engine), "head")
            if queue := _queue(engine):
                queue.upgrade(engine)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Let one process after the other in. Who comes later waits as long as it takes and finds the work done.

    On PostgreSQL by a lock of the session, because not all of it is one transaction. An SQLite migration is one
    transaction, which holds the file's write lock from its beginning.
    """
    if engine.dialect.name == "sqlite":
        yield
        return
    with refusals(writes=True), engine.connect() as connection:
        connection.detach()  # its settings and its lock end with it
        found = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        if found < OLDEST:
            raise Unavailable("PostgreSQL %(found)d is too old: Assay needs %(oldest)d.", found=found, oldest=OLDEST)
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()  # it is the session that holds the lock
        yield


def is_current(engine: Engine) -> bool:
    """Say whether the database has the schema of this release, or of a newer one; False for one that was never made.

    Migrations leave in place what the release before needs, so that machines can be upgraded one after the other.
    """
    if not is_made(engine):
        return False
    with refusals(), engine.connect() as connection:
        if not inspect(connection).has_table(VERSION):
            return False
        found = connection.execute(text(f"SELECT max(version_num) FROM {VERSION}")).scalar_one()  # noqa: S608  # a constant
        if found is None or found < newest():
            return False
    queue = _queue(engine)
    return queue is None or bool(queue.is_current(engine))


def newest() -> str:
    """Return the newest revision: the files of our migrations begin with their numbers."""
    return max(path.name.partition("_")[0] for path in (HERE / "migrations" / "versions").glob("[0-9]*.py"))


def _queue(engine: Engine) -> ModuleType | None:
    """Return what knows Procrastinate's tables. Not loaded for SQLite, which has none."""
    return None if engine.dialect.name == "sqlite" else resolve_name("app.schema.queue")
