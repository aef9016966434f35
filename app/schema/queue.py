"""The tables of Procrastinate, on PostgreSQL only: installed and upgraded by its own SQL files, beside our migrations.

Procrastinate does not note which of its migrations a database has. We do, in the table `queue_migration`.
"""

from pathlib import Path
from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, Engine, inspect, text

NOTED = "queue_migration"


def upgrade(engine: Engine) -> None:
    """Bring Procrastinate's tables to the version that is installed here; each step is done and noted, or not at all.

    A transaction for each file: a later one may use values of an enum that an earlier one has added.
    """
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {NOTED} (name text PRIMARY KEY)"))
        if connection.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar_one() is None:
            _run(connection, SchemaManager.get_schema(), *_migrations())
        noted = _noted(connection)
    for path in _migrations():
        if path.name not in noted:
            with engine.begin() as connection:
                _run(connection, path.read_text(encoding="utf-8"), path)


def _run(connection: Connection, statements: str, *brings: Path) -> None:
    """Run a whole file and note which migrations the database has by it."""
    driver: Any = connection.connection.driver_connection  # SQLAlchemy would look for parameters in it
    driver.execute(statements)
    for path in brings:
        connection.execute(text(f"INSERT INTO {NOTED} VALUES (:name)"), {"name": path.name})  # noqa: S608  # a constant


def _noted(connection: Connection) -> set[str]:
    return set(connection.execute(text(f"SELECT name FROM {NOTED}")).scalars())  # noqa: S608


def is_current(engine: Engine) -> bool:
    """Say whether the database has all of Procrastinate's migrations that are installed here."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(NOTED):
            return False
        noted = _noted(connection)
    return noted.issuperset(path.name for path in _migrations())


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
