"""The start page of each role: what is next, what waits, counts; no link to a page that is not there."""

import re
from datetime import timedelta

from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.actor import Role
from app.db.engine import writing
from app.evidence.states import Outcome, SubmissionState
from app.review.models import Claim
from tests.conftest import NOW
from tests.factories import a_person, a_result, a_rubric, a_submission, a_token, an_organisation, bearer


def test_every_role_has_a_start_page_whose_links_lead_somewhere(engine: Engine, client: TestClient):
    for role in Role:
        with writing(engine) as session:
            organisation = an_organisation(session)
            a_rubric(session, organisation)
            token = a_token(session, a_person(session, organisation, role, name="Nadia Kamel"), organisation)
        assert client.get("/", headers=bearer(token) | {"Accept-Language": "ar"}).status_code == 200
        page = client.get("/", headers=bearer(token)).text
        assert "Nadia Kamel" in page
        for path in re.findall(r'href="(/[^"#?]*)"', page):
            if not path.startswith(("/static", "/language")):
                assert client.get(path, headers=bearer(token)).status_code == 200, path


def test_a_candidate_first_sees_what_was_sent_back(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session)
        candidate = a_person(session, organisation, Role.CANDIDATE)
        a_submission(session, organisation, candidate=candidate, state=SubmissionState.DRAFT)
        returned = a_submission(session, organisation, candidate=candidate, state=SubmissionState.RETURNED)
        returned.reason = {"code": "x", "message": "It stops after %(n)s seconds.", "params": {"n": 41}}
        a_submission(session, organisation, candidate=candidate, state=SubmissionState.HELD)
        token = a_token(session, candidate, organisation)
    page = client.get("/", headers=bearer(token)).text
    assert page.index("Sent back to you") < page.index("What waits for you") < page.index("With us")
    assert "It stops after 41 seconds." in page
    assert "You hear by 8 Dec 2026." in page


def test_an_assessor_carries_on_and_never_reads_a_name(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session)
        assessor = a_person(session, organisation, Role.ASSESSOR)
        candidate = a_person(session, organisation, Role.CANDIDATE, name="Mariam Fouad")
        claimed = a_submission(session, organisation, candidate=candidate, state=SubmissionState.IN_ASSESSMENT)
        a_submission(session, organisation, candidate=candidate)
        session.add(
            Claim(
                organisation_id=organisation.id,
                submission_id=claimed.id,
                person_id=assessor.id,
                draft={"scores": [{"criterion": "ID", "level": 2}]},
                created_at=NOW,
                expires_at=NOW + timedelta(minutes=9, seconds=5),
            )
        )
        token = a_token(session, assessor, organisation)
        reference = claimed.reference
    page = client.get("/", headers=bearer(token)).text
    assert f"Candidate {reference}" in page
    assert "1 criterion scored." in page
    assert "Yours for 9 more minutes." in page
    assert "1 waits" in page
    assert "Mariam" not in page


def test_a_candidate_sees_results_last(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session)
        candidate, assessor = (
            a_person(session, organisation, Role.CANDIDATE),
            a_person(session, organisation, Role.ASSESSOR),
        )
        submission = a_submission(session, organisation, candidate=candidate)
        a_result(session, submission, assessor=assessor, outcome=Outcome.COMPETENT)
        token = a_token(session, candidate, organisation)
    page = client.get("/", headers=bearer(token)).text
    assert page.index("Choose what you want to prove") < page.index("Your result is here.")


def test_a_visitor_is_asked_to_sign_in(client: TestClient):
    assert client.get("/").headers["location"].endswith("/sign-in")
