"""A candidate who talks to the API as a browser would, and helpers for what workers leave behind."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import urllib3
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.testclient import TestClient

from app.accounts.models import Organisation, Person
from app.actor import Role
from app.db.engine import reading, writing
from app.frameworks.exchange import import_file, read_file
from app.frameworks.models import RubricVersion
from tests.conftest import NOW
from tests.factories import a_person, a_rubric, a_token, an_organisation, bearer, demo_content

MIB = 1024**2
BROWSER = urllib3.PoolManager(retries=False)
CONSENTS = [{"purpose": "assessment", "version": "1"}, {"purpose": "transcription", "version": "1"}]


@dataclass
class Candidate:
    """A candidate and the calls that candidates make."""

    client: TestClient
    organisation: Organisation
    person: Person
    headers: dict[str, str]
    rubric_id: UUID

    def get(self, path: str) -> Any:
        return self.client.get("/api/v1" + path, headers=self.headers)

    def post(self, path: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        return self.client.post("/api/v1" + path, json=body if body is not None else {}, headers=headers, **more)

    def delete(self, path: str) -> Any:
        return self.client.delete("/api/v1" + path, headers=self.headers)

    def submission(self, *, language: str = "ar") -> str:
        answer = self.post("/submissions", {"rubric_id": str(self.rubric_id), "language": language})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def audio(self, submission_id: str, *, size_bytes: int | None, name: str = "call.flac") -> dict[str, Any]:
        body = {"kind": "audio", "name": name, "media_type": "audio/flac", "size_bytes": size_bytes}
        answer = self.post(f"/submissions/{submission_id}/evidence", body)
        assert answer.status_code == 201, answer.text
        evidence: dict[str, Any] = answer.json()
        return evidence

    def sign(self, evidence_id: str, numbers: Iterable[int]) -> list[dict[str, Any]]:
        answer = self.post(f"/evidence/{evidence_id}/parts", {"numbers": list(numbers)})
        assert answer.status_code == 200, answer.text
        parts: list[dict[str, Any]] = answer.json()["parts"]
        return parts

    def upload(self, submission_id: str, content: bytes) -> str:
        """Send a whole file by signed parts and complete it; return the id of the evidence."""
        evidence = self.audio(submission_id, size_bytes=len(content))
        size = evidence["upload"]["part_size_bytes"]
        for part in self.sign(evidence["id"], range(1, evidence["upload"]["part_count"] + 1)):
            start = (part["number"] - 1) * size
            assert put(part, content[start : start + size]) == 200
        answer = self.post(f"/evidence/{evidence['id']}/complete")
        assert answer.status_code == 200, answer.text
        return str(evidence["id"])


def put(part: dict[str, Any], content: bytes) -> int:
    """PUT a signed part as a browser does and return the status."""
    return BROWSER.request("PUT", part["url"], body=content, headers=part["headers"]).status


def a_candidate(engine: Engine, client: TestClient, *, code: str = "teller-service-call", **rubric: Any) -> Candidate:
    """Return a candidate of a new organisation; `rubric` changes what its rubric asks for as evidence."""
    with writing(engine) as session:
        organisation = an_organisation(session)
        person = a_person(session, organisation, Role.CANDIDATE)
        asked = (
            _with_evidence(session, organisation, code, rubric)
            if rubric
            else a_rubric(session, organisation, code=code)
        )
        token = a_token(session, person, organisation)
        return Candidate(client, organisation, person, bearer(token), asked.id)


def _with_evidence(session: Session, organisation: Organisation, code: str, evidence: dict[str, Any]) -> RubricVersion:
    content = demo_content()
    for each in content["rubrics"]:
        each["evidence"] = {**each["evidence"], **evidence}
    import_file(session, file=read_file(content), organisation_id=organisation.id, now=NOW)
    return a_rubric(session, organisation, code=code)


@pytest.fixture
def candidate(engine: Engine, client: TestClient) -> Candidate:
    return a_candidate(engine, client)


@pytest.fixture
def stranger(engine: Engine, client: TestClient) -> Candidate:
    """A candidate of another organisation."""
    return a_candidate(engine, client)


def row(engine: Engine, table: type[Any], key: object) -> Any:
    """Return a row as it is now, or None."""
    with reading(engine) as session:
        return session.get(table, key)
