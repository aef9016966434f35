"""`Idempotency-Key`: same key and body = the same answer; same key and another body = 409 (API section 4)."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col
from starlette.responses import JSONResponse, Response

from app.errors import Conflict
from app.web.call import Call
from app.web.models import IdempotentAnswer

KEPT = timedelta(hours=24)
MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class Remembered:
    """A key as one person used it on one route with one body."""

    person_id: UUID
    route: str
    key: str
    body_sha256: str
    now: datetime

    @classmethod
    def of(cls, call: Call[Any], route: str, key: str, body_sha256: str) -> "Remembered | None":
        """Return None for people who are not signed in: nothing is kept for them."""
        if call.maybe_actor is None:
            return None
        path = f"{route} {call.request.url.path}"
        return cls(call.maybe_actor.person_id, path, key[:MAX_KEY], body_sha256, call.now)


def recall(session: Session, remembered: Remembered) -> Response | None:
    """Return the answer that this key got within the last 24 hours, or None. Conflict for another body."""
    row = session.get(IdempotentAnswer, (remembered.person_id, remembered.route, remembered.key))
    if row is None or row.created_at < remembered.now - KEPT:
        return None
    if row.body_sha256 != remembered.body_sha256:
        raise Conflict(
            "This Idempotency-Key was used with another body. Take a new key for a new request.",
            code="idempotency-key-reused",
        )
    return Response(status_code=row.status) if row.answer is None else JSONResponse(row.answer, status_code=row.status)


def remember(session: Session, remembered: Remembered, answer: Response, now: datetime) -> None:
    """Keep a good answer, and drop those that are older than a day."""
    if answer.status_code >= 300:  # noqa: PLR2004
        return
    session.connection().execute(delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - KEPT))
    session.merge(
        IdempotentAnswer(
            person_id=remembered.person_id,
            route=remembered.route,
            key=remembered.key,
            body_sha256=remembered.body_sha256,
            status=answer.status_code,
            answer=json.loads(bytes(answer.body)) if answer.body else None,
            created_at=now,
        )
    )
