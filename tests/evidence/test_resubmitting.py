"""The next attempt: what is carried over, from whom, and who reads the earlier evidence (rule 14)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.actor import Role
from app.db.engine import reading, writing
from app.evidence.custody import cleared, damaged, is_damaged
from app.evidence.models import Evidence, Receipt, Submission
from app.evidence.states import SubmissionState
from app.frameworks.exchange import import_file, read_file
from app.frameworks.models import RubricVersion
from app.storage.client import Storage
from tests.conftest import NOW, Clock
from tests.evidence.conftest import CONSENTS, Candidate
from tests.evidence.test_receipts import SOUND, inspect
from tests.factories import a_person, a_token, bearer, demo_content
from tests.validation.stories import BAD, GOOD, House, a_decision, a_house


@pytest.fixture
def house(engine: Engine) -> House:
    return a_house(engine)


def decided(engine: Engine, client: TestClient, house: House, scores: dict[str, int]) -> tuple[Candidate, UUID]:
    """Return a candidate with a released result."""
    with writing(engine) as session:
        person = a_person(session, house.organisation, Role.CANDIDATE)
        headers = bearer(a_token(session, person, house.organisation))
        submission_id = a_decision(session, house, scores=scores, now=NOW, candidate=person)
    release(engine, submission_id)
    return Candidate(client, house.organisation, person, headers, house.rubric.id), submission_id


def release(engine: Engine, submission_id: UUID) -> None:
    with writing(engine) as session:
        submission = session.get_one(Submission, submission_id)
        submission.state, submission.released_at = SubmissionState.FINALISED, NOW
        session.add(submission)


def test_nothing_of_a_result_is_told_before_its_release(engine: Engine, client: TestClient, house: House):
    with writing(engine) as session:
        person = a_person(session, house.organisation, Role.CANDIDATE)
        headers = bearer(a_token(session, person, house.organisation))
        submission_id = a_decision(session, house, scores=BAD, now=NOW, candidate=person)
    candidate = Candidate(client, house.organisation, person, headers, house.rubric.id)
    answer = candidate.get(f"/submissions/{submission_id}")
    assert (answer.json()["state"], answer.json()["result"]) == ("held", None)
    assert "message" not in str(answer.json()["result"])
    assert candidate.post(f"/submissions/{submission_id}/resubmit").json()["code"] == "not-decided"
    release(engine, submission_id)
    result = candidate.get(f"/submissions/{submission_id}").json()["result"]
    assert result["outcome"] == "not-yet-competent"
    assert set(result) == {"outcome", "percent", "criteria", "message", "released_at"}
    assert {each["code"]: each["level"] for each in result["criteria"]} == BAD


def test_a_competent_candidate_has_nothing_to_repeat(engine: Engine, client: TestClient, house: House):
    candidate, submission_id = decided(engine, client, house, GOOD)
    answer = candidate.post(f"/submissions/{submission_id}/resubmit")
    assert (answer.status_code, answer.json()["code"]) == (409, "competent")


def test_met_criteria_are_carried_over_once(engine: Engine, client: TestClient, house: House):
    candidate, submission_id = decided(engine, client, house, BAD)
    answer = candidate.post(f"/submissions/{submission_id}/resubmit")
    assert answer.status_code == 201, answer.text
    following = answer.json()
    assert (following["attempt"], following["follows"], following["state"]) == (2, str(submission_id), "draft")
    assert {each["criterion"]: each["level"] for each in following["carried"]} == {
        code: level for code, level in BAD.items() if code != "ID"
    }
    again = candidate.post(f"/submissions/{submission_id}/resubmit")
    assert (again.status_code, again.json()["code"]) == (409, "resubmitted")
    candidate.post(f"/submissions/{following['id']}/withdraw")
    assert candidate.post(f"/submissions/{submission_id}/resubmit").status_code == 201


def test_nothing_is_carried_to_another_text_of_the_rubric(engine: Engine, client: TestClient, house: House):
    candidate, submission_id = decided(engine, client, house, BAD)
    content = demo_content()
    content["rubrics"] = [rubric for rubric in content["rubrics"] if rubric["id"] == house.rubric.code]
    content["rubrics"][0]["version"] = "1.10.0"
    with writing(engine) as session:
        import_file(session, file=read_file(content), organisation_id=house.organisation.id, now=NOW)
    following = candidate.post(f"/submissions/{submission_id}/resubmit").json()
    assert following["carried"] == []
    with reading(engine) as session:
        assert session.get_one(RubricVersion, UUID(following["rubric_id"])).version == "1.10.0"


def test_nothing_is_carried_from_evidence_that_is_too_old(
    engine: Engine, client: TestClient, house: House, clock: Clock
):
    candidate, submission_id = decided(engine, client, house, BAD)
    clock.now = NOW + timedelta(days=181)
    assert candidate.post(f"/submissions/{submission_id}/resubmit").json()["carried"] == []


def test_the_new_manifest_holds_the_earlier_evidence_and_its_judge_may_read_it(
    engine: Engine, client: TestClient, house: House, stored: Storage
):
    candidate, submission_id = decided(engine, client, house, BAD)
    following: dict[str, Any] = candidate.post(f"/submissions/{submission_id}/resubmit").json()
    inspect(engine, candidate.upload(following["id"], SOUND))
    receipt = candidate.post(f"/submissions/{following['id']}/submit", {"declaration": True, "consents": CONSENTS})
    assert receipt.status_code == 200, receipt.text
    with writing(engine) as session:
        earlier = session.exec(select(Evidence).where(Evidence.submission_id == submission_id)).one()
        manifest = session.exec(select(Receipt.manifest)).one()
        submission = session.get_one(Submission, UUID(following["id"]))
        submission.state = SubmissionState.READY
        session.add(submission)
    assert [each["id"] for each in manifest["earlier_evidence"]] == [str(earlier.id)]
    other = house.join(Role.ASSESSOR)
    headers = house.headers(other)
    assert client.get(f"/api/v1/evidence/{earlier.id}", headers=headers).status_code == 404
    claim = client.post("/api/v1/queue/claims", json={"submission_id": following["id"]}, headers=headers)
    assert claim.status_code == 201, claim.text
    assert client.get(f"/api/v1/evidence/{earlier.id}", headers=headers).json()["name"] == "Evidence 1"
    with writing(engine) as session:
        assert damaged(session, earlier.id, now=NOW)
    assert (state_of(engine, following["id"]), state_of(engine, submission_id)) == ("under-investigation", "finalised")
    with writing(engine) as session:
        assert is_damaged(session, UUID(following["id"])), "no credential rests on it"
        assert cleared(session, earlier.id, now=NOW)
    assert state_of(engine, following["id"]) == "ready"


def state_of(engine: Engine, submission_id: object) -> str:
    with reading(engine) as session:
        return session.get_one(Submission, UUID(str(submission_id))).state.value


def test_a_validator_reads_evidence_while_a_validation_lives(
    engine: Engine, client: TestClient, house: House, clock: Clock
):
    submission_id = house.decide(BAD)
    lead, validator = house.headers(house.lead), house.headers(house.validator)
    closed = client.post(f"/api/v1/lots/{house.lot().id}/close", json={}, headers=lead)
    assert closed.status_code == 200, closed.text
    with reading(engine) as session:
        evidence_id = session.exec(select(Evidence.id).where(Evidence.submission_id == submission_id)).one()
    path = f"/api/v1/evidence/{evidence_id}"
    assert client.get(path, headers=validator).status_code == 404
    assert client.post("/api/v1/validations/claims", json={}, headers=validator).status_code == 201
    shown = client.get(path, headers=validator)
    assert shown.json()["name"] == "Evidence 1"
    assert "my-own-name" not in shown.text
    clock.forward(hours=3)
    assert client.get(path, headers=validator).status_code == 404
