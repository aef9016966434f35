"""API section 4.1: published rubrics."""

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select
from starlette.responses import Response

from app.errors import NotFound
from app.frameworks.models import AchievementVersion, RubricVersion
from app.frameworks.rubric import read_rubric
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import get


def rubric_json(session: Session, row: RubricVersion) -> dict[str, Any]:
    """Return a rubric version as the API shows it."""
    rubric = read_rubric(row)
    body = rubric.model_dump(mode="json", exclude_none=True)
    evidence = rubric.evidence.model_dump(mode="json", exclude={"consent_required"})
    return {
        "id": str(row.id),
        "code": row.code,
        "version": row.version,
        "title": rubric.title,
        "purpose": rubric.purpose,
        "content_hash": row.content_hash,
        "evidence": evidence,
        "scale": body["scale"],
        "vacs": body["vacs"],
        "criteria": body["criteria"],
        "pass_rule": body["pass_rule"],
        "consents": [consent.model_dump(mode="json") for consent in rubric.asked_consents()],
        "achievement_id": str(_achievement_id(session, row.id)),
    }


def _achievement_id(session: Session, rubric_id: UUID) -> UUID:
    return session.exec(select(AchievementVersion.id).where(AchievementVersion.rubric_version_id == rubric_id)).one()


def published(session: Session, organisation_id: UUID) -> list[RubricVersion]:
    """Return the published rubric versions of an organisation that are open for new work."""
    return list(
        session.exec(
            select(RubricVersion)
            .where(
                RubricVersion.organisation_id == organisation_id,
                col(RubricVersion.published_at).is_not(None),
                col(RubricVersion.withdrawn_at).is_(None),
            )
            .order_by(col(RubricVersion.code), col(RubricVersion.version))
        )
    )


def rubrics(call: Call[NoForm]) -> Response:
    """List the published rubrics, each with its criteria, consents and what evidence it takes."""
    rows = published(call.session, call.actor.organisation_id)
    return call.json({"items": [rubric_json(call.session, row) for row in rows], "next": None})


def rubric(call: Call[NoForm]) -> Response:
    """Return a published rubric."""
    row = call.session.get(RubricVersion, call.path_id("rubric_id"))
    if row is None or row.organisation_id != call.actor.organisation_id or row.published_at is None:
        raise NotFound("There is no such rubric.")
    return call.json(rubric_json(call.session, row))


routes = [
    get("/api/v1/rubrics", rubrics, name="api:rubrics", allow=Access.SIGNED_IN),
    get("/api/v1/rubrics/{rubric_id}", rubric, name="api:rubric", allow=Access.SIGNED_IN),
]
