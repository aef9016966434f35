"""The migrations make what the models say, on both databases, however many processes run them at once."""

import multiprocessing
import re
from pathlib import Path
from uuid import uuid4

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel, select

from app.accounts.calendar import Calendar, calendar
from app.accounts.models import Organisation
from app.db.engine import make_engine, make_file, reading, writing
from app.schema.migrate import configuration, is_current, migrate
from tests import postgres

OLD_ORGANISATION = """INSERT INTO organisation (id, code, name, time_zone, demonstration, created_at)
    VALUES (:id, 'old', 'Old', 'UTC', FALSE, '2026-11-24 12:00:00')"""
OF_OTHERS = re.compile("procrastinate_|alembic_version|queue_migration")


def ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    return not (kind == "table" and OF_OTHERS.match(name or ""))


def test_models_and_migrations_agree(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_partial_indexes_hold_on_both_databases():
    partial = [
        index
        for table in SQLModel.metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
        or index.dialect_options["postgresql"]["where"] is not None
    ]
    assert partial
    for index in partial:
        conditions = [str(index.dialect_options[name]["where"]) for name in ("sqlite", "postgresql")]
        assert conditions[0] == conditions[1], index.name


def test_every_constraint_has_a_name(engine: Engine):
    for table in SQLModel.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints if constraint._type_bound is False), table.name
    inspector = inspect(engine)
    for table in (name for name in inspector.get_table_names() if not OF_OTHERS.match(name)):
        found = [inspector.get_pk_constraint(table), *inspector.get_foreign_keys(table)]
        assert all(each["name"] for each in [*found, *inspector.get_unique_constraints(table)]), table


def bring_up_to_date(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()


def test_four_processes_migrate_an_empty_database_at_once(postgres_server: postgres.Server):
    url = postgres_server.make_empty()
    processes = [multiprocessing.get_context("fork").Process(target=bring_up_to_date, args=(url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    engine = make_engine(url)
    assert is_current(engine)
    engine.dispose()
    postgres_server.drop(url)


def test_a_database_of_a_newer_release_is_left_as_it_is(engine: Engine):
    """Machines are upgraded one after the other: those of the old release go on meanwhile."""
    with writing(engine) as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert is_current(engine)
    migrate(engine)
    with reading(engine) as session:
        assert session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_a_database_of_the_first_release_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path):
    engine = make_engine(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    make_file(engine)
    command.upgrade(configuration(engine), "0001")
    with writing(engine) as session:  # as a site of that release does, also after the upgrade
        session.connection().execute(text(OLD_ORGANISATION), {"id": uuid4().hex})
    assert not is_current(engine)
    migrate(engine)
    with reading(engine) as session:
        assert calendar(session.exec(select(Organisation)).one()) == Calendar()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()
