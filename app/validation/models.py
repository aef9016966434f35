"""Tables of sampling plans, lots, their items, validations and the assessors' tiers."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.db.columns import enum_column, json_column, time_column
from app.evidence.states import Outcome
from app.ids import new_id
from app.validation.plans import Tier


class LotState(StrEnum):
    OPEN = "open"
    VALIDATING = "validating"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RECTIFYING = "rectifying"
    RECTIFIED = "rectified"


class ItemState(StrEnum):
    HELD = "held"
    SELECTED = "selected"
    CLAIMED = "claimed"
    COMPARED = "compared"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    RETURNED_WITH_ADVICE = "returned-with-advice"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class SamplingPlanVersion(SQLModel, table=True):
    """A published sampling plan. It never changes; a lot points at one version. `rubric_code` null = all rubrics."""

    __tablename__ = "sampling_plan_version"
    __table_args__ = (UniqueConstraint("organisation_id", "plan_id", "version"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    rubric_code: str | None = None
    plan_id: str
    version: int
    body: dict[str, Any] = json_column()
    created_at: datetime = time_column()


class Lot(SQLModel, table=True):
    """The decisions of one assessor on one rubric (major version) in one short period."""

    __tablename__ = "lot"
    __table_args__ = (
        Index(
            "uq_lot_open",
            "assessor_id",
            "organisation_id",
            "rubric_code",
            "rubric_major",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_lot_state", "organisation_id", "state"),
        Index("ix_lot_opened_at", "organisation_id", "opened_at", "id"),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    assessor_id: UUID = Field(foreign_key="person.id")
    rubric_id: UUID = Field(foreign_key="rubric_version.id")
    rubric_code: str
    rubric_major: int
    state: LotState = enum_column(LotState, default=LotState.OPEN)
    plan_id: str
    plan_version: int
    plan: dict[str, Any] = json_column()
    tier: Tier = enum_column(Tier)
    prior: dict[str, Any] = json_column()
    commitment: str
    secret: str
    opened_at: datetime = time_column()
    closes_at: datetime | None = time_column(default=None, nullable=True)
    closed_at: datetime | None = time_column(default=None, nullable=True)
    decided_at: datetime | None = time_column(default=None, nullable=True)
    opened_audit_seq: int
    opened_audit_hash: str
    size: int = 0
    max_size: int
    sample_size: int | None = None
    accept: int | None = None
    reject_at: int | None = None
    faults: int = 0
    reason: str = ""


class LotItem(SQLModel, table=True):
    """One decision in a lot. `draw`, `sampled` and `reasons` are null until the lot is closed (rule 7)."""

    __tablename__ = "lot_item"
    __table_args__ = (UniqueConstraint("lot_id", "key"), Index("ix_lot_item_state", "lot_id", "state"))
    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    lot_id: UUID = Field(foreign_key="lot.id", primary_key=True)
    decision_id: UUID = Field(foreign_key="decision.id")
    attempt: int
    key: str
    outcome: Outcome = enum_column(Outcome)
    strata: list[str] = json_column(default_factory=list)
    position: int
    state: ItemState = enum_column(ItemState, default=ItemState.HELD)
    draw: float | None = None
    sampled: bool | None = None
    reasons: list[str] | None = json_column(default=None, nullable=True)
    mandatory: bool | None = None
    inclusion_probability: float | None = None
    joined_at: datetime = time_column()


class Validation(SQLModel, table=True):
    """One validator's lease and judgement of one sampled item. Its id is the fence, as a claim's is."""

    __tablename__ = "validation"
    __table_args__ = (
        Index(
            "uq_validation_live",
            "submission_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_validation_validator_id", "validator_id", "ended_at"),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    lot_id: UUID = Field(foreign_key="lot.id", index=True)
    submission_id: UUID = Field(foreign_key="submission.id")
    validator_id: UUID = Field(foreign_key="person.id")
    state: ItemState = enum_column(ItemState, default=ItemState.CLAIMED)
    version: int = 1
    draft: dict[str, Any] = json_column(default_factory=dict)
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    ended_at: datetime | None = time_column(default=None, nullable=True)
    blind: dict[str, Any] | None = json_column(default=None, nullable=True)
    comparison: dict[str, Any] | None = json_column(default=None, nullable=True)
    decision: str | None = None
    reason: str | None = None
    final: dict[str, Any] | None = json_column(default=None, nullable=True)
    overturn_class: str | None = None
    direction: str | None = None
    decided_at: datetime | None = time_column(default=None, nullable=True)


class AssessorState(SQLModel, table=True):
    """How closely an assessor is watched for one rubric: tier and the memory of earlier lots."""

    __tablename__ = "assessor_state"
    assessor_id: UUID = Field(foreign_key="person.id", primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    rubric_code: str = Field(primary_key=True)
    rubric_major: int = Field(primary_key=True)
    tier: Tier = enum_column(Tier)
    faults: float = 0.0
    sampled: float = 0.0
    decisions: int = 0
    body: dict[str, Any] = json_column(default_factory=dict)
    changed_at: datetime = time_column()
