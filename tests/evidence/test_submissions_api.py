"""Submissions over HTTP: begin, list, withdraw, and what nobody else may see."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.models import Involvement, Submission
from app.evidence.states import Part, SubmissionState
from app.frameworks.models import RubricVersion
from tests.conftest import NOW, Clock
from tests.evidence.conftest import CONSENTS, Candidate, a_candidate
from tests.factories import a_person, a_submission, a_token, bearer


def set_state(engine: Engine, submission_id: object, state: SubmissionState) -> None:
    with writing(engine) as session:
        submission = session.exec(select(Submission).where(col(Submission.id) == submission_id)).one()
        submission.state = state
        session.add(submission)


def test_a_new_submission_is_a_draft_with_its_candidate_as_the_only_part(candidate: Candidate, engine: Engine):
    submission = candidate.get("/submissions/" + candidate.submission()).json()
    facts = {name: submission[name] for name in ("state", "attempt", "follows", "evidence", "result", "carried")}
    assert facts == {"state": "draft", "attempt": 1, "follows": None, "evidence": [], "result": None, "carried": []}
    assert submission["rubric_id"] == str(candidate.rubric_id)
    assert submission["created_at"].endswith("Z")
    with reading(engine) as session:
        assert session.exec(select(Involvement.part)).all() == [Part.CANDIDATE]
        assert session.exec(select(AuditEvent.action)).all()[-1] == "submission.created"
        assert verify(session).ok


def test_a_language_in_which_the_rubric_is_not_judged_is_refused(candidate: Candidate):
    answer = candidate.post("/submissions", {"rubric_id": str(candidate.rubric_id), "language": "fr"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "language")


def test_unknown_fields_are_refused(candidate: Candidate):
    answer = candidate.post("/submissions", {"rubric_id": str(candidate.rubric_id), "language": "ar", "state": "held"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "state")
    submission_id = candidate.submission()
    assert candidate.post(f"/submissions/{submission_id}/withdraw", {"why": "x"}).status_code == 422


def test_a_draft_rubric_and_one_of_another_organisation_are_unknown(
    candidate: Candidate, stranger: Candidate, engine: Engine
):
    with writing(engine) as session:
        hidden = session.get_one(RubricVersion, candidate.rubric_id)
        hidden.published_at = None
        session.add(hidden)
    for rubric_id in (candidate.rubric_id, stranger.rubric_id, uuid4()):
        answer = candidate.post("/submissions", {"rubric_id": str(rubric_id), "language": "ar"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_the_same_key_makes_one_submission(candidate: Candidate):
    body = {"rubric_id": str(candidate.rubric_id), "language": "ar"}
    first = candidate.post("/submissions", body, headers={"Idempotency-Key": "k1"})
    second = candidate.post("/submissions", body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = candidate.post("/submissions", {**body, "language": "en"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    assert len(candidate.get("/submissions").json()["items"]) == 1


def test_a_key_tells_multipart_bodies_apart_and_knows_one_again(candidate: Candidate, client: TestClient):
    def send(language: str) -> Any:
        parts = {"rubric_id": (None, str(candidate.rubric_id)), "language": (None, language)}
        headers = {**candidate.headers, "Idempotency-Key": "k1"}
        return client.post("/api/v1/submissions", files=parts, headers=headers)

    first, again, other = send("ar"), send("ar"), send("en")
    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")


def test_somebody_elses_another_organisations_and_unknown_submissions_look_the_same(
    candidate: Candidate, stranger: Candidate, engine: Engine, client: TestClient
):
    with writing(engine) as session:
        neighbour = a_person(session, candidate.organisation, Role.CANDIDATE)
        theirs = a_submission(session, candidate.organisation, candidate=neighbour)
    foreign = stranger.submission()
    problems = []
    for submission_id in (theirs.id, foreign, uuid4()):
        for path in ("", "/withdraw", "/consents/withdraw", "/resubmit", "/evidence", "/phrases", "/submit"):
            body = {"": None, "/evidence": {"kind": "text", "text": "x"}}.get(path, {})
            if path == "/submit":
                body = {"declaration": True, "consents": CONSENTS}
            url = f"/submissions/{submission_id}{path}"
            answer = candidate.get(url) if path == "" else candidate.post(url, body)
            assert answer.status_code == 404, (path, answer.text)
            problems.append(answer.json())
    assert all(problem == problems[0] for problem in problems)
    assert theirs.id not in [item["id"] for item in candidate.get("/submissions").json()["items"]]


def test_the_list_is_paged_newest_first_and_filtered_by_state(candidate: Candidate, clock: Clock):
    made = []
    for _ in range(5):
        made.append(candidate.submission())
        clock.forward(seconds=1)
    candidate.post(f"/submissions/{made[0]}/withdraw")
    first = candidate.get("/submissions?limit=2").json()
    second = candidate.get(f"/submissions?limit=2&cursor={first['next']}").json()
    third = candidate.get(f"/submissions?limit=2&cursor={second['next']}").json()
    assert [item["id"] for page in (first, second, third) for item in page["items"]] == made[::-1]
    assert third["next"] is None
    assert [item["id"] for item in candidate.get("/submissions?state=withdrawn").json()["items"]] == [made[0]]
    assert candidate.get("/submissions?state=nonsense").status_code == 422
    assert candidate.get("/submissions?cursor=nonsense").status_code == 400


@pytest.mark.parametrize("state", list(SubmissionState))
def test_withdrawing_works_until_claimed_and_consents_until_final(
    candidate: Candidate, engine: Engine, state: SubmissionState
):
    with writing(engine) as session:
        ids = [
            a_submission(session, candidate.organisation, candidate=candidate.person, state=state).id for _ in range(2)
        ]
    until_claimed = {"draft", "processing", "ready", "returned"}
    answer = candidate.post(f"/submissions/{ids[0]}/withdraw")
    assert answer.status_code == (200 if state in until_claimed else 409)
    answer = candidate.post(f"/submissions/{ids[1]}/consents/withdraw")
    assert answer.status_code == (200 if state in until_claimed | {"in-assessment", "moderation", "held"} else 409)
    with reading(engine) as session:
        states = {session.get_one(Submission, each).state for each in ids}
        assert states <= {state, SubmissionState.WITHDRAWN}
        assert verify(session).ok


def test_withdrawing_consent_ends_the_claim(candidate: Candidate, engine: Engine, client: TestClient):
    with writing(engine) as session:
        submission = a_submission(session, candidate.organisation, candidate=candidate.person)
        assessor = bearer(
            a_token(session, a_person(session, candidate.organisation, Role.ASSESSOR), candidate.organisation)
        )
    claim = client.post("/api/v1/queue/claims", json={"submission_id": str(submission.id)}, headers=assessor).json()
    assert candidate.post(f"/submissions/{submission.id}/withdraw").json()["code"] == "claimed"
    assert candidate.post(f"/submissions/{submission.id}/consents/withdraw").json()["state"] == "withdrawn"
    answer = client.post(f"/api/v1/claims/{claim['id']}/renew", json={}, headers=assessor)
    assert (answer.status_code, answer.json()["code"]) == (409, "claim-ended")


def test_times_come_from_the_clock_of_the_site(candidate: Candidate):
    created = candidate.get("/submissions/" + candidate.submission()).json()["created_at"]
    assert created == NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_membership_for_other_rubrics_does_not_cover_this_one(engine: Engine, client: TestClient):
    candidate = a_candidate(engine, client)
    with writing(engine) as session:
        person = a_person(session, candidate.organisation, Role.CANDIDATE, rubrics=("presentation-skills",))
        headers = bearer(a_token(session, person, candidate.organisation))
    body = {"rubric_id": str(candidate.rubric_id), "language": "ar"}
    assert client.post("/api/v1/submissions", json=body, headers=headers).status_code == 403


@pytest.mark.parametrize("text", ["nothing \\u0000 there", "half a pair \\ud800"])
def test_a_character_that_no_database_can_store_is_named(candidate: Candidate, text: str):
    answer = candidate.client.post(
        f"/api/v1/submissions/{candidate.submission()}/evidence",
        content=f'{{"kind": "text", "text": "{text}"}}',
        headers={**candidate.headers, "Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["text"]
