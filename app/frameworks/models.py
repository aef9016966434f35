"""Tables of frameworks, competencies, rubric versions and achievement versions. Published rows never change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.columns import json_column, time_column
from app.ids import new_id


class Framework(SQLModel, table=True):
    """A published tree of what people can do (CASE: CFDocument)."""

    __tablename__ = "framework"
    __table_args__ = (UniqueConstraint("organisation_id", "code", "version"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    code: str
    version: str
    title: dict[str, str] = json_column()
    publisher: dict[str, str] = json_column(default_factory=dict)
    levels: dict[str, Any] = json_column(default_factory=dict)
    created_at: datetime = time_column()


class Competency(SQLModel, table=True):
    """One thing people can do (CASE: CFItem)."""

    __tablename__ = "competency"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    framework_id: UUID = Field(foreign_key="framework.id")
    code: str
    parent_code: str | None = None
    title: dict[str, str] = json_column()
    position: int = 0


class RubricVersion(SQLModel, table=True):
    """A frozen scoring guide: code + semver + content hash. `body` is read by `frameworks.rubric.Rubric`."""

    __tablename__ = "rubric_version"
    __table_args__ = (UniqueConstraint("organisation_id", "code", "version"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    framework_id: UUID | None = Field(default=None, foreign_key="framework.id")
    code: str
    version: str
    major: int
    content_hash: str
    body: dict[str, Any] = json_column()
    published_at: datetime | None = time_column(default=None, nullable=True)
    withdrawn_at: datetime | None = time_column(default=None, nullable=True)


class AchievementVersion(SQLModel, table=True):
    """What a rubric version awards: title, outcomes, level, credits, validity."""

    __tablename__ = "achievement_version"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    rubric_version_id: UUID = Field(foreign_key="rubric_version.id", unique=True)
    content_hash: str
    body: dict[str, Any] = json_column()
    created_at: datetime = time_column()
