"""Create or upgrade the database. Idempotent; several processes may call it at once on one machine."""

from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, text

from app.db.engine import is_made, make_file

HERE = Path(__file__).parent
VERSION = "alembic_version"

if TYPE_CHECKING:
    from alembic.config import Config


def _config(engine: Engine) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; an SQLite file is made where there is none."""
    from alembic import command  # noqa: PLC0415  # 11 MB and a tenth of a second: for those who migrate

    make_file(engine)
    if not is_current(engine):
        command.upgrade(_config(engine), "head")
        if queue := _queue(engine):
            queue.upgrade(engine)


def is_current(engine: Engine) -> bool:
    """Say whether the database has the newest schema; False for one that was never made."""
    if not is_made(engine):
        return False
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION):
            return False
        if list(connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalars()) != [newest()]:  # noqa: S608  # a constant
            return False
    queue = _queue(engine)
    return queue is None or bool(queue.is_current(engine))


def newest() -> str:
    """Return the newest revision: the files of our migrations begin with their numbers."""
    return max(path.name.partition("_")[0] for path in (HERE / "migrations" / "versions").glob("[0-9]*.py"))


def _queue(engine: Engine) -> ModuleType | None:
    """Return what knows Procrastinate's tables. Not loaded for SQLite, which has none."""
    return None if engine.dialect.name == "sqlite" else resolve_name("app.schema.queue")
