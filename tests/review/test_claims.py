"""Claiming, drafting and sending over the API."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.models import Organisation, Person
from app.actor import Role
from app.assessments.models import Decision
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.models import Evidence, Involvement, Submission
from app.evidence.states import Part, SubmissionState
from app.review.models import Claim
from tests.conftest import NOW, Clock
from tests.factories import (
    a_judgement,
    a_person,
    a_result,
    a_rubric,
    a_submission,
    a_token,
    an_organisation,
    bearer,
)


@dataclass
class World:
    """An organisation with a waiting submission and two assessors."""

    organisation: Organisation
    candidate: Person
    submission_id: UUID
    evidence_id: UUID
    first: dict[str, str]
    second: dict[str, str]


@pytest.fixture
def world(engine: Engine) -> World:
    with writing(engine) as session:
        organisation = an_organisation(session)
        candidate = a_person(session, organisation, Role.CANDIDATE, Role.ASSESSOR)
        submission = a_submission(session, organisation, candidate=candidate)
        evidence_id = session.exec(select(Evidence.id)).one()
        tokens = [a_token(session, a_person(session, organisation, Role.ASSESSOR), organisation) for _ in range(2)]
        return World(organisation, candidate, submission.id, evidence_id, bearer(tokens[0]), bearer(tokens[1]))


def claim(client: TestClient, world: World, who: dict[str, str]) -> dict[str, object]:
    answer = client.post("/api/v1/queue/claims", json={"submission_id": str(world.submission_id)}, headers=who)
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_the_queue_names_no_candidate(client: TestClient, world: World):
    answer = client.get("/api/v1/queue", headers=world.first)
    assert [item["submission_id"] for item in answer.json()["items"]] == [str(world.submission_id)]
    assert world.candidate.name not in answer.text
    assert str(world.candidate.id) not in answer.text


def test_second_claim_is_refused_and_changes_nothing(client: TestClient, world: World, engine: Engine):
    claim(client, world, world.first)
    body = {"submission_id": str(world.submission_id)}
    second = client.post("/api/v1/queue/claims", json=body, headers=world.second)
    assert (second.status_code, second.json()["code"]) == (409, "already-claimed")
    assert client.post("/api/v1/queue/claims", json={}, headers=world.second).status_code == 204
    with reading(engine) as session:
        assert len(session.exec(select(Claim)).all()) == 1


def test_nobody_assesses_their_own_evidence(client: TestClient, world: World, engine: Engine):
    with writing(engine) as session:
        own = bearer(a_token(session, world.candidate, world.organisation))
    answer = client.post("/api/v1/queue/claims", json={"submission_id": str(world.submission_id)}, headers=own)
    assert (answer.status_code, answer.json()["code"]) == (403, "separation-of-duties")
    assert client.get("/api/v1/queue", headers=own).json()["items"] == []


def test_an_assessor_of_another_rubric_gets_nothing(client: TestClient, world: World, engine: Engine):
    with writing(engine) as session:
        person = a_person(session, world.organisation, Role.ASSESSOR, rubrics=("presentation-skills",))
        other = bearer(a_token(session, person, world.organisation))
    body = {"submission_id": str(world.submission_id)}
    assert client.post("/api/v1/queue/claims", json=body, headers=other).json()["code"] == "not-allowed"
    assert client.post("/api/v1/queue/claims", json={}, headers=other).status_code == 204


def test_an_expired_claim_is_taken_by_another_and_its_draft_is_kept(client: TestClient, world: World, clock: Clock):
    first = claim(client, world, world.first)
    client.patch(f"/api/v1/claims/{first['id']}/draft", json={"version": 1, "message": "half"}, headers=world.first)
    clock.forward(seconds=901)
    second = claim(client, world, world.second)
    stale = client.patch(f"/api/v1/claims/{first['id']}/draft", json={"version": 2}, headers=world.first)
    assert (stale.status_code, stale.json()["code"]) == (409, "claim-ended")
    assert client.delete(f"/api/v1/claims/{second['id']}", headers=world.second).status_code == 204
    again = claim(client, world, world.first)
    shown = client.get(f"/api/v1/claims/{again['id']}", headers=world.first).json()
    assert shown["draft"]["message"] == "half"
    assert shown["evidence"][0]["name"] == "Evidence 1"


def test_an_expired_claim_that_nobody_took_may_be_renewed(client: TestClient, world: World, clock: Clock):
    made = claim(client, world, world.first)
    clock.forward(seconds=1000)
    renewed = client.post(f"/api/v1/claims/{made['id']}/renew", headers=world.first)
    assert renewed.status_code == 200
    assert renewed.json()["expires_at"] > str(made["expires_at"])


def test_a_stale_draft_is_refused_with_the_stored_one(client: TestClient, world: World):
    made = claim(client, world, world.first)
    address = f"/api/v1/claims/{made['id']}/draft"
    saved = client.patch(address, json={"version": 1, "message": "mine"}, headers=world.first).json()
    assert saved["version"] == 2
    stale = client.patch(address, json={"version": 1, "message": "other"}, headers=world.first)
    assert stale.status_code == 409
    assert stale.json()["draft"]["message"] == "mine"


def test_a_draft_shows_what_it_would_come_to(client: TestClient, world: World):
    made = claim(client, world, world.first)
    body = a_judgement(world.evidence_id)
    draft = {"version": 1, "scores": body["scores"], "vacs": body["vacs"]}
    seen = client.patch(f"/api/v1/claims/{made['id']}/draft", json=draft, headers=world.first).json()["preview"]
    assert (seen["outcome"], seen["percent"], seen["missing"]) == ("competent", "200/3", [])


def test_send_locks_decides_and_joins_the_open_lot(client: TestClient, world: World, engine: Engine):
    made = claim(client, world, world.first)
    body = a_judgement(world.evidence_id, next=True)
    sent = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=world.first)
    assert sent.status_code == 200, sent.text
    assert sent.json() | {"id": "", "locked_at": ""} == {
        "id": "",
        "outcome": "competent",
        "percent": "200/3",
        "borderline": False,
        "locked_at": "",
        "next": None,
    }
    with reading(engine) as session:
        assert session.get_one(Submission, world.submission_id).state is SubmissionState.HELD
        assert session.exec(select(Decision)).one().percent == "200/3"
        assert verify(session).ok
    again = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=world.first)
    assert (again.status_code, again.json()["code"]) == (409, "claim-ended")


def test_the_same_idempotency_key_gives_the_same_answer(client: TestClient, world: World):
    made = claim(client, world, world.first)
    headers = world.first | {"Idempotency-Key": "k1"}
    body = a_judgement(world.evidence_id)
    first = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=headers)
    second = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=headers)
    assert first.json() == second.json()
    other = client.post(f"/api/v1/claims/{made['id']}/send", json=body | {"message": "x"}, headers=headers)
    assert other.status_code == 409


def test_a_missing_criterion_is_listed(client: TestClient, world: World):
    made = claim(client, world, world.first)
    body = a_judgement(world.evidence_id, codes="ID LI AC EM NX")
    answer = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=world.first)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["scores.CL"]


@pytest.mark.parametrize(
    ("gate", "state"),
    [("sufficient", SubmissionState.RETURNED), ("authentic", SubmissionState.UNDER_INVESTIGATION)],
)
def test_work_that_cannot_be_decided_joins_no_lot(
    client: TestClient, world: World, engine: Engine, gate: str, state: SubmissionState
):
    made = claim(client, world, world.first)
    body = a_judgement(world.evidence_id)
    body["vacs"][gate] = False
    answer = client.post(f"/api/v1/claims/{made['id']}/send", json=body, headers=world.first)
    assert answer.status_code == 200, answer.text
    with reading(engine) as session:
        assert session.get_one(Submission, world.submission_id).state is state
        assert session.exec(select(Decision)).first() is None


def test_a_declared_conflict_ends_the_claim_for_good(client: TestClient, world: World, engine: Engine):
    made = claim(client, world, world.first)
    client.post(f"/api/v1/claims/{made['id']}/conflict", json={"reason": "My cousin."}, headers=world.first)
    assert client.get("/api/v1/queue", headers=world.first).json()["items"] == []
    assert len(client.get("/api/v1/queue", headers=world.second).json()["items"]) == 1
    with reading(engine) as session:
        parts = session.exec(select(Involvement.part)).all()
    assert parts == [Part.CANDIDATE]


def test_the_oldest_comes_first(client: TestClient, world: World, engine: Engine):
    with writing(engine) as session:
        older = a_submission(
            session,
            world.organisation,
            rubric=a_rubric(session, world.organisation),
            ready_at=NOW.replace(day=1),
        )
    made = client.post("/api/v1/queue/claims", json={}, headers=world.first).json()
    assert made["submission_id"] == str(older.id)


def test_another_organisations_claim_looks_unknown(client: TestClient, world: World, engine: Engine):
    made = claim(client, world, world.first)
    with writing(engine) as session:
        elsewhere = an_organisation(session)
        stranger = bearer(a_token(session, a_person(session, elsewhere, Role.ASSESSOR), elsewhere))
    assert client.get(f"/api/v1/claims/{made['id']}", headers=stranger).status_code == 404
    body = {"submission_id": str(world.submission_id)}
    assert client.post("/api/v1/queue/claims", json=body, headers=stranger).status_code == 404


def test_another_mark_of_the_same_attempt_stays_hidden(client: TestClient, world: World, engine: Engine):
    with writing(engine) as session:
        submission = session.get_one(Submission, world.submission_id)
        a_result(session, submission, assessor=a_person(session, world.organisation, Role.ASSESSOR))
        submission.state = SubmissionState.READY
    held = claim(client, world, world.second)
    answer = client.get(f"/api/v1/claims/{held['id']}", headers=world.second)
    assert answer.json()["earlier"] == []
    assert "Seen here." not in answer.text


@pytest.mark.parametrize("sort", ["oldest", "newest", "shortest"])
def test_the_queue_is_read_in_pages_that_leave_nothing_out(client: TestClient, world: World, engine: Engine, sort: str):
    with writing(engine) as session:
        rubric = a_rubric(session, world.organisation)
        for number in range(6):  # some wait equally long, some are equally short
            a_submission(
                session,
                world.organisation,
                rubric=rubric,
                ready_at=NOW - timedelta(hours=number // 2),
                duration_ms=1000 + number // 2,
            )
    address = f"/api/v1/queue?sort={sort}"
    whole = client.get(address, headers=world.first).json()
    assert (len(whole["items"]), whole["next"]) == (7, None)
    read: list[dict[str, object]] = []
    page = client.get(f"{address}&limit=3", headers=world.first).json()
    while page["next"]:
        read += page["items"]
        page = client.get(f"{address}&limit=3&cursor={page['next']}", headers=world.first).json()
    assert read + page["items"] == whole["items"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", f"cursor={UUID(int=1)}"])
def test_a_page_of_the_queue_that_does_not_exist_is_a_bad_request(client: TestClient, world: World, query: str):
    assert client.get(f"/api/v1/queue?{query}", headers=world.first).status_code == 400
