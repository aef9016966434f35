"""Appending to and verifying the audit trail: one hash chain per deployment (DESIGN rule 13).

Rows are appended in the transaction of the change that they record. SQLite write units hold the write lock from
their first statement, so no two units can append at once; PostgreSQL takes one advisory lock here, as late as can be.
Personal texts never enter the chain: bodies hold ids, actions, states and digests.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.audit.models import AuditEvent

GENESIS = "0" * 64
ADVISORY_LOCK = 727275


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `verify`: how many rows hold, and the first one that does not."""

    ok: bool
    rows: int
    first_bad_seq: int | None


def append(
    session: Session,
    *,
    action: str,
    subject: str,
    now: datetime,
    actor_id: UUID | None = None,
    organisation_id: UUID | None = None,
    body: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one act to the chain. `action` is `domain.acted`, `subject` is `kind:id`."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    session.flush()
    last = session.exec(select(AuditEvent).order_by(col(AuditEvent.seq).desc()).limit(1)).first()
    event = AuditEvent(
        seq=last.seq + 1 if last else 1,
        at=now,
        action=action,
        subject=subject,
        actor_id=actor_id,
        organisation_id=organisation_id,
        body=body or {},
        prev=last.hash if last else GENESIS,
        hash="",
    )
    event.hash = hash_of(event)
    session.add(event)
    session.flush()
    return event


def hash_of(event: AuditEvent) -> str:
    """Return the SHA-256 of the row in canonical JSON (RFC 8785), the hash of the row before included."""
    facts: dict[str, Any] = {
        "v": 1,
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": event.action,
        "subject": event.subject,
        "actor": str(event.actor_id) if event.actor_id else None,
        "organisation": str(event.organisation_id) if event.organisation_id else None,
        "body": event.body,
        "prev": event.prev,
    }
    return hashlib.sha256(rfc8785.dumps(facts)).hexdigest()


def verify(session: Session) -> Verdict:
    """Recompute the whole chain."""
    prev, count = GENESIS, 0
    for event in _in_order(session):
        count += 1
        if event.seq != count or event.prev != prev or event.hash != hash_of(event):
            return Verdict(ok=False, rows=count, first_bad_seq=event.seq)
        prev = event.hash
    return Verdict(ok=True, rows=count, first_bad_seq=None)


def _in_order(session: Session) -> Iterator[AuditEvent]:
    yield from session.exec(select(AuditEvent).order_by(col(AuditEvent.seq)).execution_options(yield_per=500))
