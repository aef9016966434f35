"""How far a copy is: three tables of the target, written in the transactions that copy the rows.

They stay when the copy is done, so that it is known where this database came from; nothing else reads them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, String, Table, insert, inspect, select, update

from app.db.columns import UtcDateTime
from app.errors import Conflict

NOT_EMPTY = "The target database is not empty. Give one that holds nothing of Assay yet."
METADATA = MetaData()
COPY = Table(
    "assay_copy",
    METADATA,
    Column("source", String, primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
)
TABLES = Table(
    "assay_copy_table",
    METADATA,
    Column("name", String, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
)
OBJECTS = Table(
    "assay_copy_object",
    METADATA,
    Column("key", String, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far one table is: everything up to row number `last` is there."""

    last: int
    done: bool


def begin(target: Connection, source: str, *, is_empty: bool) -> bool:
    """Begin a copy, or go on with one of the same source; True when it goes on. Raises Conflict for any other target.

    `source` is the digest of all rows there: one that was used in between is another source.
    """
    if not is_begun(target):
        if not is_empty:
            raise Conflict(NOT_EMPTY)
        METADATA.create_all(target)
        target.execute(insert(COPY).values(source=source, begun_at=datetime.now(UTC)))
        return False
    known = target.execute(select(COPY)).one()
    if known.finished_at is not None:
        raise Conflict(
            "The target database holds a finished copy, made on %(day)s. Give an empty one for another copy.",
            day=f"{known.finished_at:%Y-%m-%d}",
        )
    if known.source != source:
        raise Conflict(
            "The target database holds a half-done copy of something else, or this installation was used since. "
            "Make the target database anew and begin again."
        )
    return True


def is_begun(target: Connection) -> bool:
    """Say whether a copy was begun here."""
    return inspect(target).has_table(COPY.name)


def finish(target: Connection) -> None:
    """Note that all is there and was compared."""
    target.execute(update(COPY).values(finished_at=datetime.now(UTC)))


def place_of(target: Connection, table: str) -> Place:
    """Return how far a table is."""
    found = target.execute(select(TABLES.c.last, TABLES.c.done).where(TABLES.c.name == table)).first()
    return Place(found.last, found.done) if found else Place(-1, done=False)


def move_on(target: Connection, table: str, place: Place) -> None:
    """Note how far a table is, in the transaction that wrote the rows."""
    values = {"last": place.last, "done": place.done}
    if target.execute(update(TABLES).where(TABLES.c.name == table).values(**values)).rowcount == 0:
        target.execute(insert(TABLES).values(name=table, **values))
