"""The table of claims: exclusive, expiring leases on a submission. The id of a claim is its fence."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.db.columns import enum_column, json_column, time_column
from app.evidence.states import Part
from app.ids import new_id


class Claim(SQLModel, table=True):
    """An assessor's lease. `version` counts the draft; `ended_at` is null while the claim is live (rule 2).

    `end_note`: why a lead validator ended it, in words.
    """

    __tablename__ = "claim"
    __table_args__ = (
        Index(
            "uq_claim_live",
            "submission_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_claim_person_id", "person_id", "ended_at"),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    submission_id: UUID = Field(foreign_key="submission.id")
    person_id: UUID = Field(foreign_key="person.id")
    part: Part = enum_column(Part, default=Part.FIRST)
    version: int = 1
    draft: dict[str, Any] = json_column(default_factory=dict)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    ended_at: datetime | None = time_column(default=None, nullable=True)
    end_reason: str | None = None
    end_note: str | None = None


class Conflict(SQLModel, table=True):
    """A declared conflict of interest between a person and a submission."""

    __tablename__ = "conflict_of_interest"
    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    reason: str
    declared_at: datetime = time_column()
