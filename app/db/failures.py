"""Which errors of a database mean what: it is down, two units were in each other's way, the data can't be stored.

Every other database error stays a bug. Sources: PostgreSQL 15 manual, appendix A (SQLSTATE); sqlite.org/rescode.html.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import meters
from app.errors import AssayError, Invalid, Unavailable

log = logging.getLogger(__name__)

SQLITE_DOWN = (
    "database is locked",
    "database table is locked",
    "unable to open database file",
    "disk I/O error",
    "database or disk is full",
    "attempt to write a readonly database",  # also what SQLite says when the open file was moved away
)
# Serialization failure and deadlock: the same unit works when it is run again.
CONTENDED = frozenset({"40001", "40P01"})
# Lock timeout, statement timeout, idle-in-transaction timeout.
DOWN = frozenset({"55P03", "57014", "25P03"})
READ_ONLY = "25006"  # a bug in a unit that reads; in one that writes, the server is a former primary
# Connection exceptions, insufficient resources (disk full 53100, too many connections 53300), shutdown and start-up.
DOWN_CLASSES = ("08", "53", "57P", "58")


class Contended(Unavailable):
    """Two units of work were in each other's way and the database ended this one: it may simply be run again."""


@contextmanager
def refusals(*, writes: bool = False) -> Iterator[None]:
    """Turn what the database says into a refusal that people understand; a bug stays what it is."""
    try:
        yield
    except PoolTimeout as error:
        raise _unavailable("no connection of the pool became free") from error
    except DBAPIError as error:
        refusal = refusal_of(error, writes=writes)
        if refusal is None:
            raise
        raise refusal from error


def refusal_of(error: DBAPIError, *, writes: bool) -> AssayError | None:
    """Return what a database error means for people; None for a bug."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state in CONTENDED:
        log.warning("the database ended a unit of work: %s", _first_line(error))
        return Contended("Many people write just now. Nothing was lost; please try again.")
    if state in DOWN or (state or "").startswith(DOWN_CLASSES) or (writes and state == READ_ONLY) or _is_lost(error):
        return _unavailable(_first_line(error))
    if isinstance(error, DataError):
        return Invalid(
            "Something that was sent can't be stored: a number is too large, or a character is no text.",
            code="not-storable",
        )
    return None


def _is_lost(error: DBAPIError) -> bool:
    """Say whether there is no connection. An answer of a PostgreSQL server always has an SQLSTATE."""
    if error.connection_invalidated or any(word in str(error.orig) for word in SQLITE_DOWN):
        return True
    from_driver = type(error.orig).__module__.startswith("psycopg")
    return from_driver and isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) is None


def _unavailable(why: str) -> Unavailable:
    log.warning("the database can't be reached: %s", why)
    meters.part_errors.labels("database").inc()
    return Unavailable("The database can't be reached just now. Nothing was lost; please try again.")


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or [type(error.orig).__name__])[0]
