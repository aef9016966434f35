"""Copying rows: table by table, each after those it points to, in batches, and comparing both sides at the end."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnClause, Connection, Engine, Row, Table, func, insert, inspect, literal_column, select, text
from sqlmodel import SQLModel

from app.db.engine import reading, writing
from app.moving import state
from app.moving.state import Place

BATCH = 500
LARGE = {"transcript": 10}  # a row may have megabytes
NOT_COPIED = frozenset({"worker"})  # processes of the old installation
ROWID: ColumnClause[int] = literal_column("rowid")  # of SQLite: what was written later has a higher one


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds: the number of its rows, and a digest that does not depend on their order."""

    rows: int
    digest: str


def tables() -> list[Table]:
    """Return the tables to copy, each after those it points to."""
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in NOT_COPIED]


def contents(connection: Connection) -> dict[str, Content]:
    """Read everything once and return what each table holds."""
    return {table.name: _content(connection, table) for table in tables()}


def fingerprint(found: dict[str, Content]) -> str:
    """Return one digest of all tables."""
    lines = sorted(f"{name} {content.rows} {content.digest}" for name, content in found.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _content(connection: Connection, table: Table) -> Content:
    rows, total = 0, 0
    stream = {"yield_per": LARGE.get(table.name, BATCH)}
    for row in connection.execute(select(*table.columns), execution_options=stream):
        rows += 1
        total += int.from_bytes(hashlib.sha256(_canonical(row)).digest())
    return Content(rows, f"{total % 2**256:064x}")


def _canonical(row: Row[Any]) -> bytes:
    return json.dumps(list(row), default=_plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, UUID):
        return value.hex
    raise TypeError(f"no plain form of {type(value)}")


def is_empty(target: Connection) -> bool:
    """Say whether there is no row of ours; tables that an older release did not have are empty too."""
    there = set(inspect(target).get_table_names())
    ours = [table for table in tables() if table.name in there]
    return all(target.execute(select(func.count()).select_from(table)).scalar_one() == 0 for table in ours)


def copy_all(source: Connection, target: Engine) -> Iterator[tuple[str, int]]:
    """Copy what is not there yet; yields the name of each table and the rows that were written now."""
    for table in tables():
        with reading(target) as session:
            place = state.place_of(session.connection(), table.name)
        if not place.done:
            yield table.name, _copy(source, target, table, place)


def _copy(source: Connection, target: Engine, table: Table, place: Place) -> int:
    written = 0
    while not place.done:
        batch = _batch(source, table, after=place.last)
        place = Place(batch[-1][0], done=False) if batch else Place(place.last, done=True)
        with writing(target) as session:
            if batch:
                session.connection().execute(insert(table), [_named(table, row[1:]) for row in batch])
            else:
                _set_sequences(session.connection(), table)
            state.move_on(session.connection(), table.name, place)
        written += len(batch)
    return written


def _batch(source: Connection, table: Table, *, after: int) -> Sequence[Row[Any]]:
    """Return the next rows in the order in which they were written: none points to a later one of its own table."""
    some = LARGE.get(table.name, BATCH)
    wanted = select(ROWID, *table.columns).where(text("rowid > :after")).order_by(ROWID).limit(some)
    return source.execute(wanted, {"after": after}).all()


def _named(table: Table, values: Iterable[Any]) -> dict[str, Any]:
    return dict(zip((column.name for column in table.columns), values, strict=True))


def _set_sequences(target: Connection, table: Table) -> None:
    """Let numbers that PostgreSQL gives by itself go on after the highest that was copied."""
    if target.dialect.name != "postgresql":
        return
    for column in table.columns:
        sequence = target.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
        ).scalar_one()
        highest = target.execute(select(func.max(column))).scalar_one() if sequence else None
        if highest is not None:
            target.execute(text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest})
