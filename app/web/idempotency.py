"""`Idempotency-Key`: same key and body = the same answer; same key and another body = 409 (API section 4).

A key is taken before its request is run, so that two at the same time run it once. In a unit of one transaction the
second waits for the first and gets its answer. A handler with units of its own holds the key for a while; whoever
comes meanwhile is told so, and when its process dies the key is free again after that while.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, tuple_, update
from sqlmodel import Session, col, select
from starlette.responses import JSONResponse, Response

from app.db.rows import add_if_new
from app.errors import Conflict
from app.web.call import Call
from app.web.models import IdempotentAnswer

KEPT = timedelta(hours=24)
HELD = timedelta(minutes=2)
MAX_KEY = 200
PURGED_AT_ONCE = 100
KEY = (col(IdempotentAnswer.person_id), col(IdempotentAnswer.route), col(IdempotentAnswer.key))


@dataclass(frozen=True, slots=True)
class Remembered:
    """A key as one person used it on one route with one body. `owner` names this very request."""

    person_id: UUID
    route: str
    key: str
    body_sha256: str
    now: datetime
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, call: Call[Any], route: str, key: str, body_sha256: str) -> "Remembered | None":
        """Return None for people who are not signed in: nothing is kept for them."""
        if call.maybe_actor is None:
            return None
        path = f"{route} {call.request.url.path}"
        return cls(call.maybe_actor.person_id, path, key[:MAX_KEY], body_sha256, call.now)

    @property
    def is_its_row(self) -> Any:
        """The condition for the row of this key, whoever holds it."""
        return and_(
            *(column == value for column, value in zip(KEY, (self.person_id, self.route, self.key), strict=True))
        )


def take(session: Session, remembered: Remembered) -> Response | None:
    """Take a key for this request, or return the answer that it got within the last 24 hours.

    Conflict for another body (`idempotency-key-reused`), and while an earlier request holds the key (`in-progress`).
    """
    _purge(session, remembered)
    held = IdempotentAnswer(
        person_id=remembered.person_id,
        route=remembered.route,
        key=remembered.key,
        body_sha256=remembered.body_sha256,
        owner=remembered.owner,
        held_until=remembered.now + HELD,
        created_at=remembered.now,
    )
    if add_if_new(session, held):
        return None
    row = session.exec(select(IdempotentAnswer).where(remembered.is_its_row)).first()
    if row is not None and row.body_sha256 != remembered.body_sha256:
        raise Conflict(
            "This Idempotency-Key was used with another body. Take a new key for a new request.",
            code="idempotency-key-reused",
        )
    if row is None or row.status is None:
        raise Conflict(
            "The same request is being worked on just now. Wait a moment and send it again.", code="in-progress"
        )
    return Response(status_code=row.status) if row.answer is None else JSONResponse(row.answer, status_code=row.status)


def _purge(session: Session, remembered: Remembered) -> None:
    """Drop some answers that are older than a day, and this key if a dead request holds it."""
    old = col(IdempotentAnswer.created_at) < remembered.now - KEPT
    dead = and_(col(IdempotentAnswer.status).is_(None), col(IdempotentAnswer.held_until) <= remembered.now)
    connection = session.connection()
    connection.execute(delete(IdempotentAnswer).where(remembered.is_its_row, or_(old, dead)))
    some = select(*KEY).where(old).limit(PURGED_AT_ONCE).with_for_update(skip_locked=True)
    connection.execute(delete(IdempotentAnswer).where(tuple_(*KEY).in_(some)))


def remember(session: Session, remembered: Remembered, answer: Response) -> None:
    """Keep a good answer for the key that this request holds; after any other answer the key is free again."""
    if answer.status_code >= 300:  # noqa: PLR2004
        forget(session, remembered)
        return
    session.connection().execute(
        update(IdempotentAnswer)
        .where(*_held_by(remembered))
        .values(status=answer.status_code, answer=json.loads(bytes(answer.body)) if answer.body else None)
    )


def forget(session: Session, remembered: Remembered) -> None:
    """Let the key go: its request did nothing that a repetition must not do again."""
    session.connection().execute(delete(IdempotentAnswer).where(*_held_by(remembered)))


def _held_by(remembered: Remembered) -> tuple[Any, ...]:
    mine = col(IdempotentAnswer.owner) == remembered.owner
    return (remembered.is_its_row, mine, col(IdempotentAnswer.status).is_(None))
