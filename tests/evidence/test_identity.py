"""How we know who is in it, and who else is: recorded by whom it concerns, shown to judges without names."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.models import Membership, Person
from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import stages
from app.evidence.identity import LACKS
from app.evidence.models import Evidence, OtherPerson, Submission
from app.evidence.states import Identity, StageName, StageState, SubmissionState
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import read_rubric
from tests.conftest import NOW, Clock
from tests.evidence.conftest import CONSENTS, Candidate, a_candidate, row
from tests.factories import a_person, a_submission, a_token, bearer

CUSTOMER = {"name": "Mrs. Z. Quill", "agreed": "spoken", "agreed_on": "2026-11-20"}


def a_draft(engine: Engine, candidate: Candidate) -> str:
    """Return a draft with a recording that was inspected and can be played."""
    with writing(engine) as session:
        made = a_submission(
            session,
            candidate.organisation,
            candidate=session.get_one(Person, candidate.person.id),
            rubric=session.get_one(RubricVersion, candidate.rubric_id),
            state=SubmissionState.DRAFT,
        )
        evidence = session.exec(select(Evidence).where(Evidence.submission_id == made.id)).one()
        stages.begin(session, evidence, now=NOW)
        stages.mark(session, evidence.id, StageName.INSPECT, now=NOW, state=StageState.DONE)
        return str(made.id)


def a_member(engine: Engine, candidate: Candidate, *roles: Role, name: str | None = None) -> dict[str, str]:
    with writing(engine) as session:
        person = a_person(session, candidate.organisation, *roles, name=name)
        return bearer(a_token(session, person, candidate.organisation))


def body(**more: Any) -> dict[str, Any]:
    return {"declaration": True, "consents": CONSENTS, **more}


@pytest.fixture
def admin(engine: Engine, candidate: Candidate) -> dict[str, str]:
    return a_member(engine, candidate, Role.ADMINISTRATOR, name="Ada Admin")


def put(client: TestClient, submission_id: str, headers: dict[str, str], identity: str, note: str = "") -> Any:
    said = {"identity": identity, "note": note}
    return client.post(f"/api/v1/submissions/{submission_id}/identity", json=said, headers=headers)


def test_nothing_is_claimed_unless_somebody_says_it(engine: Engine, candidate: Candidate) -> None:
    submission_id = a_draft(engine, candidate)
    sent = candidate.post(f"/submissions/{submission_id}/submit", body()).json()["submission"]
    assert (sent["identity"], sent["other_people"]) == ("none", None)


def test_a_candidate_may_declare_it_and_an_administrator_may_know_more(
    engine: Engine, client: TestClient, candidate: Candidate, admin: dict[str, str]
) -> None:
    submission_id = a_draft(engine, candidate)
    sent = candidate.post(f"/submissions/{submission_id}/submit", body(identity="declared")).json()["submission"]
    assert sent["identity"] == "declared"
    answer = put(client, submission_id, admin, "document-seen", "Passport, at the desk.")
    assert (answer.status_code, answer.json()["identity"]) == (200, "document-seen")
    found = client.get(f"/api/v1/submissions/{submission_id}/identity", headers=admin).json()
    assert (found["identity"], len(found["items"])) == ("document-seen", 2)
    with reading(engine) as session:
        bodies = [event.body for event in session.exec(select(AuditEvent)) if "identity" in event.action]
        assert [(each["from"], each["to"]) for each in bodies] == [("none", "declared"), ("declared", "document-seen")]
        assert "Passport" not in str(bodies)
        assert verify(session).ok


def test_what_was_seen_does_not_cover_evidence_that_came_later(
    engine: Engine, client: TestClient, candidate: Candidate, admin: dict[str, str], clock: Clock
) -> None:
    submission_id = a_draft(engine, candidate)

    def replace_recording() -> None:
        """Let an assessor ask for more and the recording be made anew, at home."""
        clock.forward(seconds=1)
        with writing(engine) as session:
            evidence = session.exec(select(Evidence).where(Evidence.submission_id == UUID(submission_id))).one()
            evidence.completed_at = clock()
            session.get_one(Submission, UUID(submission_id)).state = SubmissionState.RETURNED

    def submitted(**more: Any) -> str:
        sent = candidate.post(f"/submissions/{submission_id}/submit", body(**more)).json()["submission"]
        return str(sent["identity"])

    assert put(client, submission_id, admin, "supervised").status_code == 200
    assert submitted() == "supervised"
    replace_recording()
    assert submitted(identity="declared") == "declared"
    assert put(client, submission_id, admin, "document-seen").status_code == 200
    assert "Evidence came after" not in client.get("/identity", headers=admin).text
    replace_recording()
    assert "Evidence came after" in client.get("/identity", headers=admin).text  # at once, before it is sent
    assert submitted() == "none"
    assert "Evidence came after it was recorded" in client.get("/identity", headers=admin).text
    with reading(engine) as session:
        bodies = [event.body for event in session.exec(select(AuditEvent)) if "identity" in event.action]
        assert [each["to"] for each in bodies] == ["supervised", "none", "declared", "document-seen", "none"]
        assert verify(session).ok


@pytest.mark.parametrize("role", [Role.ASSESSOR, Role.VALIDATOR, Role.LEAD_VALIDATOR, Role.CANDIDATE, Role.ISSUER])
def test_nobody_but_an_administrator_records_it(
    engine: Engine, client: TestClient, candidate: Candidate, role: Role
) -> None:
    submission_id = a_draft(engine, candidate)
    assert put(client, submission_id, a_member(engine, candidate, role), "supervised").status_code == 403
    assert row(engine, Submission, UUID(submission_id)).identity is Identity.NONE


def test_who_records_it_judges_nothing_of_it_and_who_judges_does_not_record_it(
    engine: Engine, client: TestClient, candidate: Candidate
) -> None:
    both = a_member(engine, candidate, Role.ADMINISTRATOR, Role.ASSESSOR)
    first, second = a_draft(engine, candidate), a_draft(engine, candidate)
    for each in (first, second):
        with writing(engine) as session:
            session.get_one(Submission, UUID(each)).state = SubmissionState.READY

    def claim(submission_id: str) -> tuple[int, str | None]:
        answer = client.post("/api/v1/queue/claims", json={"submission_id": submission_id}, headers=both)
        return answer.status_code, answer.json().get("code")

    assert put(client, first, both, "supervised").status_code == 200
    assert [claim(each) for each in (first, second)] == [(403, "separation-of-duties")] * 2  # who sees all names
    with writing(engine) as session:
        held = session.exec(select(Membership).where(Membership.role == Role.ADMINISTRATOR)).one()
        person_id = held.person_id
        session.delete(held)
    assert claim(first) == (403, "separation-of-duties")  # an administrator no longer, and still knows the name
    assert claim(second) == (201, None)
    with writing(engine) as session:
        organisation_id = candidate.organisation.id
        again = {"person_id": person_id, "organisation_id": organisation_id, "starts_at": NOW}
        session.add(Membership(role=Role.ADMINISTRATOR, **again))
    refused = put(client, second, both, "supervised")
    assert (refused.status_code, refused.json()["code"]) == (403, "separation-of-duties")


def test_what_is_final_and_what_is_of_others_stays_as_it_is(
    engine: Engine, client: TestClient, candidate: Candidate, stranger: Candidate, admin: dict[str, str]
) -> None:
    submission_id = a_draft(engine, candidate)
    assert put(client, a_draft(engine, stranger), admin, "supervised").status_code == 404
    with writing(engine) as session:
        session.get_one(Submission, UUID(submission_id)).state = SubmissionState.FINALISED
    assert put(client, submission_id, admin, "supervised").json()["code"] == "closed"


def test_the_page_of_administrators_shows_names_and_records(
    engine: Engine, client: TestClient, candidate: Candidate, admin: dict[str, str]
) -> None:
    submission_id = a_draft(engine, candidate)
    name = row(engine, Person, candidate.person.id).name
    assert name in client.get("/identity", headers=admin).text
    sent = {"identity": "supervised", "note": "Room 4"}
    assert client.post(f"/submissions/{submission_id}/identity", data=sent, headers=admin).status_code == 303
    shown = client.get(f"/identity?q={name}", headers=admin).text
    assert "Recorded under supervision" in shown
    assert "Ada Admin" in shown
    assert name not in client.get("/identity?q=nobody", headers=admin).text


def test_judges_see_how_many_others_there_are_and_never_who(
    engine: Engine, client: TestClient, candidate: Candidate
) -> None:
    submission_id = a_draft(engine, candidate)
    answer = candidate.post(f"/submissions/{submission_id}/submit", body(people=[CUSTOMER], identity="declared"))
    assert answer.json()["submission"]["other_people"] == 1
    assessor = a_member(engine, candidate, Role.ASSESSOR)
    claim = client.post("/api/v1/queue/claims", json={}, headers=assessor).json()
    shown = client.get(f"/api/v1/claims/{claim['id']}", headers=assessor)
    assert (shown.json()["identity"], shown.json()["other_people"]) == ("declared", 1)
    page = client.get(f"/claims/{claim['id']}", headers=assessor).text
    assert "1 other person is in it, consent recorded." in page
    for text in (shown.text, page):
        assert CUSTOMER["name"] not in text
        assert row(engine, Person, candidate.person.id).name not in text
    with reading(engine) as session:
        assert CUSTOMER["name"] not in str([event.body for event in session.exec(select(AuditEvent))])


def test_withdrawn_consent_erases_who_was_in_it(engine: Engine, candidate: Candidate) -> None:
    submission_id = a_draft(engine, candidate)
    candidate.post(f"/submissions/{submission_id}/submit", body(people=[CUSTOMER]))
    assert candidate.post(f"/submissions/{submission_id}/consents/withdraw").status_code == 200
    with reading(engine) as session:
        assert session.exec(select(OtherPerson)).all() == []
        assert session.get_one(Submission, UUID(submission_id)).other_people == 1
        assert verify(session).ok


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "a\x00b"}, {"agreed_on": "2026-12-01"}, {"agreed": "perhaps"}, {"agreed_on": "yesterday"}],
)
def test_an_agreement_that_says_nothing_is_refused(engine: Engine, candidate: Candidate, wrong: dict[str, str]) -> None:
    submission_id = a_draft(engine, candidate)
    answer = candidate.post(f"/submissions/{submission_id}/submit", body(people=[CUSTOMER | wrong]))
    assert answer.status_code in {400, 422}
    assert row(engine, Submission, UUID(submission_id)).state is SubmissionState.DRAFT


def test_the_page_wants_to_know_who_else_is_in_a_recording(
    engine: Engine, client: TestClient, candidate: Candidate
) -> None:
    submission_id, headers = a_draft(engine, candidate), candidate.headers
    with reading(engine) as session:
        rubric = read_rubric(session.get_one(RubricVersion, candidate.rubric_id))
    boxes = {f"consent:{each.purpose}:{each.version}": "true" for each in rubric.asked_consents()}
    said = {"declaration": "true", **boxes}
    assert "Nobody else can be seen or heard" in client.get(f"/submissions/{submission_id}", headers=headers).text
    send = f"/submissions/{submission_id}/send"
    for people in ({}, {"people": "some"}, {"people": "some", "person_name_1": "customer", "person_agreed_1": "?"}):
        assert client.post(send, data=said | people, headers=headers).status_code == 422
    person = {"person_name_2": "customer", "person_agreed_2": "in-writing", "person_date_2": "2026-11-23"}
    done = client.post(send, data=said | {"people": "some", "identity": "declared"} | person, headers=headers)
    assert done.status_code == 303
    sent = row(engine, Submission, UUID(submission_id))
    assert (sent.other_people, sent.identity) == (1, Identity.DECLARED)


@pytest.mark.parametrize("least", ["declared", "document-seen", "supervised"])
def test_a_rubric_may_ask_for_a_minimum_before_anything_is_sent(engine: Engine, client: TestClient, least: str) -> None:
    candidate = a_candidate(engine, client, identity_min=least)
    admin = a_member(engine, candidate, Role.ADMINISTRATOR)
    submission_id = a_draft(engine, candidate)
    assert candidate.get(f"/rubrics/{candidate.rubric_id}").json()["evidence"]["identity_min"] == least
    refused = candidate.post(f"/submissions/{submission_id}/submit", body())
    assert (refused.status_code, refused.json()["code"]) == (409, "identity-missing")
    assert refused.json()["detail"] == LACKS[Identity(least)].message
    page = client.get(f"/submissions/{submission_id}/checks", headers=candidate.headers).text
    assert (LACKS[Identity(least)].message in page) is (least != "declared"), "what one declares is a box of its own"
    declared = candidate.post(f"/submissions/{submission_id}/submit", body(identity="declared"))
    assert declared.status_code == (200 if least == "declared" else 409)
    if least != "declared":
        assert put(client, submission_id, admin, least).status_code == 200
        assert candidate.post(f"/submissions/{submission_id}/submit", body()).status_code == 200
