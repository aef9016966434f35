"""The tables of the web layer: what `Idempotency-Key` got as an answer, and counts of rate limits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.db.columns import json_column, time_column


class IdempotentAnswer(SQLModel, table=True):
    """What was answered the first time. `status` is null while that request runs: `owner` holds the key until then."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (Index("ix_idempotent_answer_created_at", "created_at"),)
    person_id: UUID = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    owner: str
    held_until: datetime = time_column()
    status: int | None = None
    answer: dict[str, Any] | None = json_column(default=None, nullable=True)
    created_at: datetime = time_column()


class RateWindow(SQLModel, table=True):
    """How often one caller used one route in one window of its limit. `key` is a digest of both."""

    __tablename__ = "rate_window"
    key: str = Field(primary_key=True)
    starts_at: datetime = time_column(primary_key=True)
    expires_at: datetime = time_column(index=True)
    count: int
