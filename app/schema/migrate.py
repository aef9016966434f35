"""Create or upgrade the database. Idempotent; several processes may call it at once on one machine."""

from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from app.db.engine import is_made, make_file

HERE = Path(__file__).parent


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.attributes["engine"] = engine
    return config


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; an SQLite file is made where there is none."""
    make_file(engine)
    if not is_current(engine):
        command.upgrade(_config(engine), "head")
        if queue := _queue(engine):
            queue.upgrade(engine)


def is_current(engine: Engine) -> bool:
    """Say whether the database has the newest schema; False for one that was never made."""
    if not is_made(engine):
        return False
    head = ScriptDirectory.from_config(_config(engine)).get_current_head()
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() != head:
            return False
    queue = _queue(engine)
    return queue is None or bool(queue.is_current(engine))


def _queue(engine: Engine) -> ModuleType | None:
    """Return what knows Procrastinate's tables. Not loaded for SQLite, which has none."""
    return None if engine.dialect.name == "sqlite" else resolve_name("app.schema.queue")
