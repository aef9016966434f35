"""Import and export of frameworks and rubrics."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

import app.demo
from app.actor import Role
from app.db.engine import reading, writing
from app.errors import Conflict, Invalid
from app.frameworks.exchange import export_framework, import_file, read_file
from tests.conftest import NOW
from tests.factories import a_person, a_token, an_organisation, bearer


@pytest.fixture
def content() -> dict[str, Any]:
    demo = Path(app.demo.__file__).parent / "demo-frameworks.json"
    loaded: dict[str, Any] = json.loads(demo.read_text())
    return loaded


def test_the_demo_file_imports_twice_without_a_change(engine: Engine, content: dict[str, Any]):
    with writing(engine) as session:
        organisation = an_organisation(session)
        first = import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
        second = import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
    assert (first.framework, len(first.rubrics)) == ("demo-banking", 3)
    assert (second.rubrics, len(second.unchanged)) == ([], 3)


def test_an_export_imports_again_as_the_same(engine: Engine, content: dict[str, Any]):
    with writing(engine) as session:
        organisation, other = an_organisation(session), an_organisation(session)
        import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
        exported = export_framework(session, code="demo-banking", organisation_id=organisation.id)
        import_file(session, file=read_file(exported), organisation_id=other.id, now=NOW)
    with reading(engine) as session:
        assert export_framework(session, code="demo-banking", organisation_id=other.id) == exported


def test_a_published_rubric_never_changes(engine: Engine, content: dict[str, Any]):
    with writing(engine) as session:
        organisation = an_organisation(session)
        import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
    content["rubrics"][0]["pass_rule"]["cut_percent"] = 10
    with pytest.raises(Conflict, match="never changes"), writing(engine) as session:
        import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)


@pytest.mark.parametrize(
    ("where", "value"), [("criteria", []), ("version", "one"), ("scale", [{"value": 1, "code": "A", "label": {}}])]
)
def test_a_wrong_rubric_names_the_place(content: dict[str, Any], where: str, value: object):
    content["rubrics"][0][where] = value
    with pytest.raises(Invalid, match=f"rubrics.0.{where}"):
        read_file(content)


def test_the_api_lists_published_rubrics_with_consents(engine: Engine, client: TestClient, content: dict[str, Any]):
    with writing(engine) as session:
        organisation = an_organisation(session)
        import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
        token = a_token(session, a_person(session, organisation, Role.CANDIDATE), organisation)
    items = client.get("/api/v1/rubrics", headers=bearer(token)).json()["items"]
    assert [item["code"] for item in items] == [
        "credit-analysis-walkthrough",
        "presentation-skills",
        "teller-service-call",
    ]
    call = items[2]
    wanted = {"kinds", "items_min", "items_max", "min_seconds", "max_seconds", "languages", "task"}
    assert set(call["evidence"]) >= wanted
    assert call["consents"][0]["required"] is True
    assert client.get(f"/api/v1/rubrics/{call['id']}", headers=bearer(token)).json() == call
