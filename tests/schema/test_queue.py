"""Procrastinate's own tables are installed and upgraded with ours."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, text

from app.db.engine import make_engine
from app.schema import queue
from app.schema.migrate import configuration, is_current, migrate
from tests import postgres

LATEST = "SELECT count(*) FROM pg_proc WHERE proname = 'procrastinate_retry_job_v2'"


@pytest.fixture
def empty(postgres_server: postgres.Server) -> Iterator[Engine]:
    url = postgres_server.make_empty()
    engine = make_engine(url)
    yield engine
    engine.dispose()
    postgres_server.drop(url)


def has_latest(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(text(LATEST)).scalar_one())


def test_an_empty_database_gets_them_and_a_second_time_changes_nothing(empty: Engine):
    assert not is_current(empty)
    migrate(empty)
    assert is_current(empty)
    assert has_latest(empty)
    queue.upgrade(empty)
    migrate(empty)
    assert is_current(empty)


def test_a_database_of_an_older_procrastinate_is_upgraded(empty: Engine):
    command.upgrade(configuration(empty), "head")
    older = queue._migrations()[:-2]
    with empty.begin() as connection:
        connection.execute(text(f"CREATE TABLE {queue.NOTED} (name text PRIMARY KEY)"))
    for path in older:
        with empty.begin() as connection:
            queue._run(connection, path.read_text(), path)
    assert not is_current(empty)
    assert not has_latest(empty)
    migrate(empty)
    assert is_current(empty)
    assert has_latest(empty)
