"""The time by which leases are taken and end: the database's own, so that machines with other clocks agree."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text
from sqlmodel import Session

from app.db.engine import reading
from app.errors import Unavailable

MEASURE_EVERY = timedelta(minutes=1)


def system_clock() -> datetime:
    """Return the time of this machine, in UTC."""
    return datetime.now(UTC)


def now_in(session: Session) -> datetime:
    """Return the database's time at this moment, also late in a long unit; on SQLite the machine's."""
    return _now(session.connection())


def _now(connection: Connection) -> datetime:
    if connection.dialect.name == "sqlite":
        return system_clock()
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


class DatabaseClock:
    """A clock that shows the database's time: this machine's, put right by what was measured within the last minute.

    Machines agree within a round trip to the database. While it can't be reached, the last measurement holds. On
    SQLite nothing is measured.
    """

    def __init__(self, engine: Engine, *, local: Callable[[], datetime] = system_clock) -> None:
        self._engine = engine
        self._local = local
        self._offset = timedelta()
        self._measures = engine.dialect.name != "sqlite"
        self._measured = datetime.max.replace(tzinfo=UTC)
        self._measuring = threading.Lock()

    def __call__(self) -> datetime:
        now = self._local()
        if self._measures and self._is_due(now) and self._measuring.acquire(blocking=False):
            try:
                self._measured = now
                self._measure()
            finally:
                self._measuring.release()
        return self._local() + self._offset

    def _is_due(self, now: datetime) -> bool:
        """Say whether a minute is over, or our own clock was put back since."""
        return not self._measured <= now < self._measured + MEASURE_EVERY

    def _measure(self) -> None:
        """Compare both clocks at the middle of a round trip."""
        try:
            with reading(self._engine) as session:
                connection = session.connection()
                before = self._local()
                theirs = _now(connection)
                after = self._local()
        except Unavailable:
            return
        self._offset = theirs - (before + (after - before) / 2)
