"""The audit trail: a hash chain. Triggers (see the first migration) refuse UPDATE and DELETE."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.db.columns import json_column, time_column


class AuditEvent(SQLModel, table=True):
    """One recorded act. `hash` covers everything in the row and the hash of the row before (`prev`)."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_subject", "subject"),
        Index("ix_audit_event_organisation", "organisation_id"),
    )
    seq: int = Field(primary_key=True)
    at: datetime = time_column()
    action: str
    subject: str
    actor_id: UUID | None = None
    organisation_id: UUID | None = None
    body: dict[str, Any] = json_column()
    prev: str = Field(unique=True)
    hash: str = Field(unique=True)
