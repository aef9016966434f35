"""Tables of people, organisations, memberships, sessions, sign-in links and API tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.actor import Role
from app.db.columns import enum_column, json_column, time_column
from app.ids import new_id


class Organisation(SQLModel, table=True):
    """An awarding body. `demonstration` marks invented data: shown on every page, said on every credential.

    `calendar` is read by `accounts.calendar`; empty: never set.
    """

    __tablename__ = "organisation"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True)
    name: str
    name_ar: str | None = None
    country: str | None = None
    time_zone: str = "UTC"
    calendar: dict[str, Any] = json_column(default_factory=dict)
    demonstration: bool = False
    created_at: datetime = time_column()


class Person(SQLModel, table=True):
    """A human being, once in the deployment, whatever the number of memberships."""

    __tablename__ = "person"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(unique=True)
    name: str
    name_ar: str | None = None
    password_hash: str | None = None
    language: str | None = None
    disabled_at: datetime | None = time_column(default=None, nullable=True)
    created_at: datetime = time_column()


class Membership(SQLModel, table=True):
    """One role of a person in an organisation; `rubrics` limits it to rubric codes (null = all)."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("organisation_id", "person_id", "role"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    role: Role = enum_column(Role)
    rubrics: list[str] | None = json_column(default=None, nullable=True)
    starts_at: datetime = time_column()
    until: datetime | None = time_column(default=None, nullable=True)


class SignInSession(SQLModel, table=True):
    """A signed-in browser. Only the SHA-256 of its secret is stored, so a copy of the table signs nobody in."""

    __tablename__ = "sign_in_session"
    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    created_at: datetime = time_column()
    expires_at: datetime = time_column()


class SignInLink(SQLModel, table=True):
    """A link that signs its person in: once, or again and again for the people of a demonstration."""

    __tablename__ = "sign_in_link"
    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    next_path: str = "/"
    reusable: bool = False
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(default=None, nullable=True)


class ApiToken(SQLModel, table=True):
    """A bearer token of a person in one organisation; the token itself is shown once and never stored."""

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_person_id", "person_id"),)
    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.id")
    organisation_id: UUID = Field(foreign_key="organisation.id")
    scopes: list[str] | None = json_column(default=None, nullable=True)
    created_at: datetime = time_column()
    expires_at: datetime | None = time_column(default=None, nullable=True)
    revoked_at: datetime | None = time_column(default=None, nullable=True)
