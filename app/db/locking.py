"""Rows that a unit keeps to itself, and the order in which that is done.

PostgreSQL lets two write units run side by side (READ COMMITTED), so what is decided by looking must be decided under
the lock of a row. Locks are taken in one order, or two units could wait for each other: submission, claim, lot, item
of the lot, validation, state of the assessor. SQLite lets one writer in at a time; there these functions only look.
"""

from typing import Any, TypeVar

from sqlmodel import Session, SQLModel

M = TypeVar("M", bound=SQLModel)
# FOR NO KEY UPDATE: rows that point to the locked one may still be added by others.
OTHERS_MAY_POINT = {"key_share": True}


def locked(session: Session, model: type[M], key: Any) -> M | None:
    """Return a row as it is now; nobody else changes it until the unit ends. None without such a row."""
    return session.get(model, key, with_for_update=OTHERS_MAY_POINT, populate_existing=True)


def locked_if_free(session: Session, model: type[M], key: Any) -> M | None:
    """Return a row as `locked` does; None when somebody else holds it just now: this never waits."""
    return session.get(model, key, with_for_update={**OTHERS_MAY_POINT, "skip_locked": True}, populate_existing=True)
