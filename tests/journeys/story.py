"""Everybody who takes part in a story, and what they do again and again over the API."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.accounts.people import NewPerson, add_organisation, add_person
from app.accounts.sign_in import make_token
from app.actor import Role
from app.db.engine import make_engine, writing
from app.frameworks.exchange import import_file, read_file
from tests import factories
from tests.journeys.running import POOL, Person, Running, wait_for


@dataclass
class Cast:
    """Everybody in the story."""

    here: Running
    candidate: Person
    assessor: Person
    validator: Person
    lead: Person
    issuer: Person


def a_cast(here: Running) -> Cast:
    """Make an institute with the demo frameworks and one person for each role, straight in the database."""
    engine, now = make_engine(here.database), datetime.now(UTC)
    with writing(engine) as session:
        institute = add_organisation(session, code="institute", name="Test Institute", now=now, country="EG")
        import_file(session, file=read_file(factories.demo_content()), organisation_id=institute.id, now=now)

        def one(name: str, role: Role) -> Person:
            new = NewPerson(email=f"{role}@example.org", name=name, roles=(role,), rubrics=None)
            person = add_person(session, organisation_id=institute.id, new=new, now=now)
            return Person(here.base, make_token(session, person=person, organisation_id=institute.id, now=now))

        cast = Cast(
            here,
            one("Mariam Fouad", Role.CANDIDATE),
            one("Nadia Kamel", Role.ASSESSOR),
            one("Youssef Adel", Role.VALIDATOR),
            one("Salma Rushdi", Role.LEAD_VALIDATOR),
            one("Omar Hegazy", Role.ISSUER),
        )
    engine.dispose()
    return cast


def rubric(who: Person, code: str) -> Any:
    return next(item for item in who.get("/api/v1/rubrics")["items"] if item["code"] == code)


def declaration(rubric_json: Any) -> dict[str, Any]:
    consents = [{"purpose": each["purpose"], "version": each["version"]} for each in rubric_json["consents"]]
    return {"declaration": True, "consents": consents}


def submit_when_checked(who: Person, submission_id: str, body: dict[str, Any]) -> Any:
    """Submit as soon as the files are inspected: until then the answer is 409 `still-checking`."""

    def look() -> Any:
        answer = who.send("POST", f"/api/v1/submissions/{submission_id}/submit", body)
        if answer.status == 409:
            assert json.loads(answer.data)["code"] == "still-checking", answer.data
            return None
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    return wait_for(look, seconds=120, what="the inspection")


def claimed(assessor: Person, submission_id: str) -> Any:
    answer = assessor.send("POST", "/api/v1/queue/claims", {"submission_id": submission_id})
    return json.loads(answer.data) if answer.status == 201 else None


def holds(lot: Any, submission_id: str) -> bool:
    return any(item["submission_id"] == submission_id for item in lot["items"])


def accepted(lead: Person, lot_id: str) -> Any:
    lot = lead.get(f"/api/v1/lots/{lot_id}")
    return lot if lot["state"] == "accepted" else None


def published(here: Running, credential_id: str) -> Any:
    def look() -> Any:
        answer = POOL.request("GET", f"{here.base}/credentials/{credential_id}.json")
        return json.loads(answer.data) if answer.status == 200 else None

    return wait_for(look, seconds=60, what="the signed document")
