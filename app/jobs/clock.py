"""Whose clock counts: leases of many machines go by the database's, those of one machine by that machine's."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, func


def clock() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def moment(bind: Engine | Connection, *, ahead: timedelta = timedelta()) -> Any:
    """Return now and a while, to be compared with or stored in a column: an SQL expression on a database server.

    `clock_timestamp()` and not `now()`: the latter stands still from the beginning of a transaction, which may wait.
    """
    if bind.dialect.name == "sqlite":
        return clock() + ahead
    return func.clock_timestamp(type_=DateTime(timezone=True)) + ahead
