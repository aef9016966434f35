"""Tables of issuer keys, status lists, credentials and endorsements."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.credentials.states import CredentialState
from app.db.columns import enum_column, json_column, time_column
from app.ids import new_id

__all__ = ["Credential", "CredentialState", "Endorsement", "SigningKey", "StatusList"]


class SigningKey(SQLModel, table=True):
    """The public half of a key and what it is for (`issuer`, `validator`, `receipt`). Private halves are files."""

    __tablename__ = "signing_key"
    kid: str = Field(primary_key=True)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    purpose: str
    pseudonym: str | None = Field(default=None, unique=True)
    person_id: UUID | None = Field(default=None, foreign_key="person.id")
    algorithm: str = "Ed25519"
    public_multibase: str
    created_at: datetime = time_column()
    compromised_at: datetime | None = time_column(default=None, nullable=True)


class StatusList(SQLModel, table=True):
    """One bitstring status list; `bits` is the truth, `document` the signed form that is published."""

    __tablename__ = "status_list"
    number: int = Field(primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    purpose: str
    size: int
    bits: bytes = Field(sa_type=LargeBinary)
    revision: int = 0
    document: dict[str, Any] | None = json_column(default=None, nullable=True)
    document_revision: int = -1
    valid_until: datetime | None = time_column(default=None, nullable=True)


class Credential(SQLModel, table=True):
    """A credential and its status. One live one per submission and achievement version (rule 6)."""

    __tablename__ = "credential"
    __table_args__ = (
        Index(
            "uq_credential_live",
            "submission_id",
            "achievement_id",
            unique=True,
            sqlite_where=text("state <> 'superseded'"),
            postgresql_where=text("state <> 'superseded'"),
        ),
        UniqueConstraint("status_list", "status_index"),
        Index("ix_credential_holder_id", "holder_id"),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    submission_id: UUID = Field(foreign_key="submission.id")
    achievement_id: UUID = Field(foreign_key="achievement_version.id")
    holder_id: UUID = Field(foreign_key="person.id")
    state: CredentialState = enum_column(CredentialState, default=CredentialState.PENDING)
    language: str = "en"
    status_list: int = Field(foreign_key="status_list.number")
    status_index: int
    salt: str = ""
    document: str | None = None
    jwt: str | None = None
    reason: str | None = None
    created_at: datetime = time_column()
    valid_from: datetime | None = time_column(default=None, nullable=True)
    valid_until: datetime | None = time_column(default=None, nullable=True)
    changed_at: datetime = time_column()


class Endorsement(SQLModel, table=True):
    """A validator's signed statement that a sampled judgement was upheld."""

    __tablename__ = "endorsement"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    credential_id: UUID = Field(foreign_key="credential.id", index=True)
    validation_id: UUID = Field(foreign_key="validation.id", unique=True)
    document: dict[str, Any] = json_column()
    created_at: datetime = time_column()
