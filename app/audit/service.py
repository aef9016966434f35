"""Appending to and verifying the audit trail: one hash chain per deployment (DESIGN rule 13).

Rows are stored in the transaction of the change that they record, after everything else: `append` keeps them with the
session, and the write unit adds them to the chain just before it is stored. PostgreSQL then takes one advisory lock,
so that it is held for the commit only and no unit that holds it waits for a row; SQLite write units hold the write
lock from their first statement. Personal texts never enter the chain: bodies hold ids, actions, states and digests.
"""

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.audit.models import AuditEvent
from app.db.engine import at_the_end

GENESIS = "0" * 64
ADVISORY_LOCK = 727275
WAITING = "assay_audit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `verify`: how many rows hold, and the first one that does not."""

    ok: bool
    rows: int
    first_bad_seq: int | None


@dataclass(frozen=True, slots=True)
class _Act:
    """One act that waits for its place in the chain, and who wants to know that place."""

    event: AuditEvent
    then: Callable[[AuditEvent], None] | None


def append(
    session: Session,
    *,
    action: str,
    subject: str,
    now: datetime,
    actor_id: UUID | None = None,
    organisation_id: UUID | None = None,
    body: dict[str, Any] | None = None,
    then: Callable[[AuditEvent], None] | None = None,
) -> None:
    """Let the unit end with one more act in the chain. `action` is `domain.acted`, `subject` is `kind:id`.

    `then` gets the event once it has its place and hash, still within the unit; it may change rows that this unit
    has made or locked, and no others. Not within a savepoint: an act must not outlive a change that is taken back.
    """
    if session.in_nested_transaction():
        raise RuntimeError("an act is recorded after its savepoint, never within it")
    event = AuditEvent(
        seq=0,
        at=now,
        action=action,
        subject=subject,
        actor_id=actor_id,
        organisation_id=organisation_id,
        body=body or {},
        prev="",
        hash="",
    )
    session.info.setdefault(WAITING, []).append(_Act(event, then))
    at_the_end(session, WAITING, _chain)


def _chain(session: Session) -> None:
    """Give every waiting act its place after the newest row of the chain, in the order in which they happened."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    newest = select(AuditEvent.seq, AuditEvent.hash).order_by(col(AuditEvent.seq).desc()).limit(1)
    seq, prev = session.exec(newest).first() or (0, GENESIS)
    for act in session.info.pop(WAITING):
        seq += 1
        act.event.seq, act.event.prev = seq, prev
        act.event.hash = prev = hash_of(act.event)
        session.add(act.event)
        if act.then is not None:
            act.then(act.event)
    session.flush()


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
    with closing(_in_order(session)) as events:
        for event in events:
            count += 1
            if event.seq != count or event.prev != prev or event.hash != hash_of(event):
                return Verdict(ok=False, rows=count, first_bad_seq=event.seq)
            prev = event.hash
    return Verdict(ok=True, rows=count, first_bad_seq=None)


def _in_order(session: Session) -> Generator[AuditEvent, None, None]:
    """Yield the rows as they come: the trail is longer than memory. Close it, or the server keeps a cursor open."""
    rows = session.exec(select(AuditEvent).order_by(col(AuditEvent.seq)).execution_options(yield_per=500))
    with closing(rows):
        yield from rows
