"""The table behind `Idempotency-Key`: the answer that a key got, kept 24 hours per person and route."""

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
