"""The tables of Procrastinate, on PostgreSQL only: installed and upgraded by its own SQL files, beside our migrations.

Procrastinate does not note which of its migrations a database has. We do, in the table `queue_migration`.
"""

from pathlib import Path
from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, inspect, text

NOTED = "queue_migration"


def upgrade(engine: Engine) -> None:
    """Bring Procrastinate's tables to the version that is installed here. All of it, or nothing."""
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection  # whole files: SQLAlchemy would look for parameters
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {NOTED} (name text PRIMARY KEY)"))
        if connection.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar_one() is None:
            driver.execute(SchemaManager.get_schema())
            fresh = _migrations()
        else:
            noted = set(connection.execute(text(f"SELECT name FROM {NOTED}")).scalars())  # noqa: S608  # a constant
            fresh = [path for path in _migrations() if path.name not in noted]
            for path in fresh:
                driver.execute(path.read_text(encoding="utf-8"))
        for path in fresh:
            connection.execute(text(f"INSERT INTO {NOTED} VALUES (:name)"), {"name": path.name})  # noqa: S608


def is_current(engine: Engine) -> bool:
    """Say whether the database has all of Procrastinate's migrations that are installed here."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(NOTED):
            return False
        noted = set(connection.execute(text(f"SELECT name FROM {NOTED}")).scalars())  # noqa: S608
    return noted.issuperset(path.name for path in _migrations())


def _migrations() -> list[Path]:
    return sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
