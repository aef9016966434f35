"""Rate limits of single routes: so many requests in a time for one person, or for one address when nobody is signed in.

Counted in the database, because any number of sites answer at one address. Two windows side by side stand for a
moving one: what the last one counted weighs less and less. Who it was is kept as a digest, for two windows at most.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from limits import parse
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app.db.engine import reading, writing
from app.errors import TooMany
from app.web.call import Call
from app.web.models import RateWindow


def hit(call: Call[Any], *, route: str, limit: str) -> None:
    """Count a request; TooMany when the limit (such as `20/minute`) is passed. Refused ones are not counted."""
    client = call.request.client
    who = str(call.maybe_actor.person_id) if call.maybe_actor else (client.host if client else "")
    key = hashlib.sha256(f"{route}\n{who}".encode()).hexdigest()
    rate = parse(limit)
    length = timedelta(seconds=rate.get_expiry())
    with reading(call.deps.engine) as session:  # whoever tries without end takes no write lock
        _check(_count(session, key, call.now, length) + 1, most=rate.amount)
    with writing(call.deps.engine) as session:
        _add(session, key, call.now, length)
        _check(_count(session, key, call.now, length), most=rate.amount)


def _check(count: float, *, most: int) -> None:
    if count > most:
        raise TooMany("That were too many tries in a short time. Wait a minute and try again.")


def _count(session: Session, key: str, now: datetime, length: timedelta) -> float:
    starts = _start(now, length)
    current = session.get(RateWindow, (key, starts))
    last = session.get(RateWindow, (key, starts - length))
    weight = 1 - (now - starts) / length
    return (current.count if current else 0) + (last.count * weight if last else 0)


def _add(session: Session, key: str, now: datetime, length: timedelta) -> None:
    starts = _start(now, length)
    connection = session.connection()
    insert = sqlite.insert(RateWindow) if connection.dialect.name == "sqlite" else postgresql.insert(RateWindow)
    row = insert.values(key=key, starts_at=starts, expires_at=starts + 2 * length, count=1)
    more = {"count": RateWindow.count + 1}
    connection.execute(row.on_conflict_do_update(index_elements=["key", "starts_at"], set_=more))
    connection.execute(delete(RateWindow).where(col(RateWindow.expires_at) < now))


def _start(now: datetime, length: timedelta) -> datetime:
    seconds = length.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
