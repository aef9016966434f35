"""Tables of locked assessments and of decisions (the outcome that counts)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.db.columns import enum_column, json_column, time_column
from app.evidence.states import Outcome, Part
from app.ids import new_id


class Assessment(SQLModel, table=True):
    """One assessor's locked judgement. It never changes; a correction is a new row that names it (rule 3)."""

    __tablename__ = "assessment"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    submission_id: UUID = Field(foreign_key="submission.id", index=True)
    claim_id: UUID = Field(foreign_key="claim.id", unique=True)
    assessor_id: UUID = Field(foreign_key="person.id", index=True)
    part: Part = enum_column(Part)
    attempt: int
    rubric_content_hash: str
    evidence_digests: list[dict[str, str]] = json_column()
    vacs: dict[str, bool] = json_column()
    scores: list[dict[str, Any]] = json_column()
    comments: list[dict[str, Any]] = json_column(default_factory=list)
    message: str = ""
    outcome: str
    percent: str
    borderline: bool = False
    record_sha256: str
    locked_at: datetime = time_column()
    supersedes: UUID | None = Field(default=None, foreign_key="assessment.id")
    supersedes_reason: str | None = None


class Decision(SQLModel, table=True):
    """The outcome of a submission that counts now; a newer row supersedes an older one and says why."""

    __tablename__ = "decision"
    __table_args__ = (
        Index(
            "uq_decision_current",
            "submission_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    submission_id: UUID = Field(foreign_key="submission.id")
    assessment_id: UUID = Field(foreign_key="assessment.id")
    outcome: Outcome = enum_column(Outcome)
    percent: str
    borderline: bool = False
    scores: list[dict[str, Any]] = json_column()
    vacs: dict[str, bool] = json_column()
    source: str = "assessor"
    reason: str | None = None
    decided_at: datetime = time_column()
    superseded_at: datetime | None = time_column(default=None, nullable=True)
