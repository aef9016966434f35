"""Import and export of our own JSON (the shape of demo-frameworks.json). Published versions never change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, select

from app.audit.service import append
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.frameworks.models import AchievementVersion, Competency, Framework, RubricVersion
from app.frameworks.rubric import Rubric, content_hash, read_rubric

Text = dict[str, str]


class CompetencyBody(BaseModel):
    """A competency in the file."""

    model_config = ConfigDict(extra="ignore")
    code: str
    parent: str | None = None
    title: Text


class FrameworkBody(BaseModel):
    """A framework in the file."""

    model_config = ConfigDict(extra="ignore")
    id: str
    version: str = "1"
    title: Text
    publisher: Text = Field(default_factory=dict)
    levels: dict[str, Any] = Field(default_factory=dict)
    competencies: list[CompetencyBody] = Field(default_factory=list)


class File(BaseModel):
    """A file of frameworks, rubrics, sampling plans and stacks. The last two are read by their own domains."""

    model_config = ConfigDict(extra="ignore")
    framework: FrameworkBody | None = None
    rubrics: list[Rubric] = Field(default_factory=list)
    sampling_plans: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought; `unchanged` rubrics were there already, word for word."""

    framework: str | None
    rubrics: list[str]
    unchanged: list[str]


def read_file(content: dict[str, Any]) -> File:
    """Read a file. Invalid lists every place that is wrong."""
    try:
        return File.model_validate(content)
    except ValidationError as error:
        found = tuple(
            FieldError(".".join(str(part) for part in item["loc"]), str(item["msg"])) for item in error.errors()
        )
        first = found[0]
        raise Invalid(
            "This file can't be imported. At %(place)s: %(problem)s",
            errors=found,
            place=first.field,
            problem=first.message,
        ) from error


def import_file(
    session: Session, *, file: File, organisation_id: UUID, now: datetime, actor_id: UUID | None = None
) -> Imported:
    """Store a framework and its rubrics. Importing the same file twice changes nothing."""
    framework = _store_framework(session, file.framework, organisation_id, now) if file.framework else None
    new: list[str] = []
    unchanged: list[str] = []
    for rubric in file.rubrics:
        stored = _store_rubric(session, rubric, organisation_id, framework, now)
        (new if stored else unchanged).append(f"{rubric.id} {rubric.version}")
    append(
        session,
        action="framework.imported",
        subject=f"framework:{framework.id if framework else organisation_id}",
        now=now,
        actor_id=actor_id,
        organisation_id=organisation_id,
        body={"rubrics": new, "unchanged": unchanged},
    )
    return Imported(framework.code if framework else None, new, unchanged)


def _store_framework(session: Session, body: FrameworkBody, organisation_id: UUID, now: datetime) -> Framework:
    found = session.exec(
        select(Framework).where(
            Framework.organisation_id == organisation_id,
            Framework.code == body.id,
            Framework.version == body.version,
        )
    ).first()
    if found is not None:
        return found
    framework = Framework(
        organisation_id=organisation_id,
        code=body.id,
        version=body.version,
        title=body.title,
        publisher=body.publisher,
        levels=body.levels,
        created_at=now,
    )
    session.add(framework)
    session.flush()
    for position, each in enumerate(body.competencies):
        session.add(
            Competency(
                framework_id=framework.id,
                code=each.code,
                parent_code=each.parent,
                title=each.title,
                position=position,
            )
        )
    return framework


def _store_rubric(
    session: Session, rubric: Rubric, organisation_id: UUID, framework: Framework | None, now: datetime
) -> bool:
    """Store a rubric version with its achievement; False when the very same one is there already."""
    body = rubric.model_dump(mode="json", exclude_none=True)
    digest = content_hash(body)
    found = session.exec(
        select(RubricVersion).where(
            RubricVersion.organisation_id == organisation_id,
            RubricVersion.code == rubric.id,
            RubricVersion.version == rubric.version,
        )
    ).first()
    if found is not None:
        if found.content_hash != digest:
            raise Conflict(
                "Rubric %(rubric)s is published already and never changes. Give the new text a higher version.",
                code="rubric-frozen",
                rubric=f"{rubric.id} {rubric.version}",
            )
        return False
    row = RubricVersion(
        organisation_id=organisation_id,
        framework_id=framework.id if framework else None,
        code=rubric.id,
        version=rubric.version,
        major=rubric.major,
        content_hash=digest,
        body=body,
        published_at=now if rubric.status == "published" else None,
    )
    session.add(row)
    session.flush()
    achievement = rubric.achievement.model_dump(mode="json", exclude_none=True)
    session.add(
        AchievementVersion(
            organisation_id=organisation_id,
            rubric_version_id=row.id,
            content_hash=content_hash(achievement),
            body=achievement,
            created_at=now,
        )
    )
    return True


def export_framework(session: Session, *, code: str, organisation_id: UUID) -> dict[str, Any]:
    """Return a framework with its rubrics in our own JSON. NotFound for an unknown code."""
    framework = session.exec(
        select(Framework)
        .where(Framework.organisation_id == organisation_id, Framework.code == code)
        .order_by(col(Framework.created_at).desc())
    ).first()
    if framework is None:
        raise NotFound("There is no framework with the code %(wanted)s.", wanted=code)
    competencies = session.exec(
        select(Competency).where(Competency.framework_id == framework.id).order_by(col(Competency.position))
    )
    rubrics = session.exec(
        select(RubricVersion).where(RubricVersion.framework_id == framework.id).order_by(col(RubricVersion.code))
    )
    return {
        "format": "demo-frameworks/1",
        "framework": {
            "id": framework.code,
            "version": framework.version,
            "title": framework.title,
            "publisher": framework.publisher,
            "levels": framework.levels,
            "competencies": [
                {"code": each.code, "parent": each.parent_code, "title": each.title} for each in competencies
            ],
        },
        "rubrics": [read_rubric(row).model_dump(mode="json", exclude_none=True) for row in rubrics],
    }
