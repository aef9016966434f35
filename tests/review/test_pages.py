"""The assessor's pages over HTTP: the queue with its filters, taking work, the workstation, giving back."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.accounts.models import Organisation, Person
from app.accounts.sign_in import by_link, cookie_name, make_link
from app.actor import Role
from app.db.engine import reading, writing
from app.evidence.models import Evidence, Phrase, Submission, Transcript
from app.evidence.states import SubmissionState
from app.frameworks.models import RubricVersion
from app.review.ages import Age, Due, Urgency, age, due
from app.review.models import Claim
from tests.conftest import NOW
from tests.factories import a_person, a_rubric, a_submission, a_token, an_organisation, bearer

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def signed_in(session: Session, client: TestClient, person: Person) -> None:
    """Give the client the session cookie of a person."""
    secret = make_link(session, person=person, now=NOW)
    session.flush()
    client.cookies.set(cookie_name(secure=False), by_link(session, secret=secret, now=NOW).secret)


@pytest.fixture
def house(engine: Engine) -> Organisation:
    with writing(engine) as session:
        return an_organisation(session)


@pytest.fixture
def assessor(engine: Engine, client: TestClient, house: Organisation) -> Person:
    with writing(engine) as session:
        person = a_person(session, house, Role.ASSESSOR, name="Nadia Kamel")
        signed_in(session, client, person)
        return person


def waiting(engine: Engine, house: Organisation, **facts: object) -> Submission:
    """Store one more submission of the same rubric that waits."""
    with writing(engine) as session:
        facts.setdefault("rubric", _teller(session))
        return a_submission(session, house, **facts)


def _teller(session: Session) -> RubricVersion | None:
    return session.exec(select(RubricVersion).where(RubricVersion.code == "teller-service-call")).first()


def page_data(text: str, element: str = "judge") -> dict[str, object]:
    found = re.search(rf'<script type="application/json" id="{element}">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def claimed(client: TestClient, submission: Submission) -> str:
    """Open a submission from the queue; returns the address of the workstation."""
    answer = client.post("/queue/claims", data={"submission_id": str(submission.id)}, headers=SAME_SITE)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_an_empty_queue_says_how_it_fills(client: TestClient, assessor: Person):
    text = client.get("/queue").text
    assert "Nothing waits for you" in text
    assert "Start next" not in text


def test_the_queue_shows_what_waits_without_names(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    with writing(engine) as session:
        candidate = a_person(session, house, Role.CANDIDATE, name="Zaynab Secret")
        made = a_submission(session, house, candidate=candidate, ready_at=NOW - timedelta(days=8))
    text = client.get("/queue").text
    assert made.reference in text
    assert "Late by 24 h" in text
    assert "Zaynab" not in text
    assert str(candidate.id) not in text
    assert "call.flac" not in text


def test_filters_are_in_the_address(engine: Engine, client: TestClient, house: Organisation, assessor: Person):
    english = waiting(engine, house)
    arabic = waiting(engine, house, language="ar")
    again = waiting(engine, house, attempt=2)
    everything = client.get("/queue").text
    assert all(each.reference in everything for each in (english, arabic, again))
    only_arabic = client.get("/queue?language=ar").text
    assert arabic.reference in only_arabic
    assert english.reference not in only_arabic
    later = client.get("/queue?show=again").text
    assert again.reference in later
    assert arabic.reference not in later
    assert "Nothing matches" in client.get("/queue?q=nowhere").text
    assert english.reference in client.get(f"/queue?q={english.reference.lower()}").text


def test_words_said_are_found(engine: Engine, client: TestClient, house: Organisation, assessor: Person):
    said, silent = waiting(engine, house), waiting(engine, house)
    with writing(engine) as session:
        evidence = session.exec(select(Evidence).where(Evidence.submission_id == said.id)).one()
        words = {"start_ms": 0, "end_ms": 900, "text": "البطاقةُ أُرسِلَت", "words": []}
        body = {"language": "ar", "model": "test", "segments": [words], "silences": []}
        session.add(Transcript(evidence_id=evidence.id, language="ar", model="test", body=body, created_at=NOW))
    text = client.get("/queue", params={"q": "البطاقة ارسلت"}).text
    assert said.reference in text
    assert silent.reference not in text


def test_start_next_takes_the_oldest_and_the_queue_offers_to_carry_on(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    waiting(engine, house)
    oldest = waiting(engine, house, ready_at=NOW - timedelta(days=2))
    answer = client.post("/queue/next", headers=SAME_SITE)
    workstation = client.get(answer.headers["location"])
    assert workstation.status_code == 200
    assert oldest.reference in workstation.text
    queue = client.get("/queue").text
    assert "Carry on where you stopped" in queue
    assert answer.headers["location"] in queue


def test_start_next_on_an_empty_queue_goes_back(client: TestClient, assessor: Person):
    assert client.post("/queue/next", headers=SAME_SITE).headers["location"] == "/queue"


def test_the_workstation_shows_the_draft_and_never_the_file_name(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    path = claimed(client, waiting(engine, house))
    page = page_data(client.get(path).text)
    draft = {
        "vacs": {"valid": True, "authentic": True, "current": True, "sufficient": True},
        "scores": [{"criterion": "ID", "level": 2, "note": "Two questions."}],
        "message": "</script><b>Hello</b>",
    }
    saved = client.patch(f"/api/v1{path}/draft", json={"version": page["version"], **draft}, headers=SAME_SITE)
    assert saved.status_code == 200, saved.text
    text = client.get(path).text
    again = page_data(text)
    assert again["draft"]["message"] == draft["message"]
    assert "1 of 6 scored" in text
    assert re.search(r'name="level-ID" value="2" checked', text)
    assert "Two questions." in text
    assert "<b>Hello</b>" not in text
    assert "call.flac" not in text
    assert {each["field"] for each in again["preview"]["missing"]} >= {"scores.LI"}


def test_the_workstation_speaks_arabic(engine: Engine, client: TestClient, house: Organisation, assessor: Person):
    path = claimed(client, waiting(engine, house))
    text = client.get(path, headers={"Accept-Language": "ar"}).text
    assert '<html lang="ar" dir="rtl">' in text
    assert "مكالمة خدمة عملاء: بطاقة لم تصل" in text


def test_giving_back_frees_the_submission_and_keeps_the_draft(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    submission = waiting(engine, house)
    path = claimed(client, submission)
    client.patch(f"/api/v1{path}/draft", json={"version": 1, "message": "half done"}, headers=SAME_SITE)
    assert client.post(f"{path}/give-back", headers=SAME_SITE).headers["location"] == "/queue"
    assert client.post(f"{path}/give-back", headers=SAME_SITE).headers["location"] == "/queue"
    with reading(engine) as session:
        assert session.get_one(Submission, submission.id).state is SubmissionState.READY
    assert "half done" in client.get(claimed(client, submission)).text


def test_a_declared_conflict_takes_the_submission_away_for_good(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    submission = waiting(engine, house)
    path = claimed(client, submission)
    answer = client.post(f"{path}/conflict", data={"reason": "My cousin."}, headers=SAME_SITE)
    assert answer.headers["location"] == "/queue"
    assert submission.reference not in client.get("/queue").text


def test_somebody_elses_workstation_is_unknown(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    path = claimed(client, waiting(engine, house))
    with writing(engine) as session:
        signed_in(session, client, a_person(session, house, Role.ASSESSOR))
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/give-back", headers=SAME_SITE).status_code == 404


def test_a_form_from_another_site_is_refused(engine: Engine, client: TestClient, house: Organisation, assessor: Person):
    waiting(engine, house)
    assert client.post("/queue/next", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    with reading(engine) as session:
        assert session.exec(select(Claim)).all() == []


def test_earlier_attempts_are_shown_other_marks_are_not(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    with writing(engine) as session:
        candidate = a_person(session, house, Role.CANDIDATE)
    first = waiting(engine, house, candidate=candidate)
    path = claimed(client, first)
    codes = ["ID", "LI", "AC", "EM", "NX", "CL"]
    body = {
        "vacs": {"valid": True, "authentic": True, "current": True, "sufficient": True},
        "scores": [{"criterion": code, "level": 0} for code in codes],
        "message": "Ask two questions before you give any detail.",
    }
    assert client.post(f"/api/v1{path}/send", json=body, headers=SAME_SITE).status_code == 200
    second = waiting(engine, house, candidate=candidate, attempt=2)
    text = client.get(claimed(client, second)).text
    assert "Ask two questions before you give any detail." in text
    assert "Attempt 1: Not yet competent" in text


def test_due_counts_hours_then_days():
    assert due(NOW - timedelta(hours=3), now=NOW) == Due(Urgency.LATE, hours=3, days=0)
    assert due(NOW + timedelta(hours=24), now=NOW) == Due(Urgency.TODAY, hours=24, days=1)
    assert due(NOW + timedelta(days=3, hours=1), now=NOW) == Due(Urgency.LATER, hours=73, days=3)
    assert due(NOW - timedelta(minutes=1), now=NOW).hours == 1


def test_age_counts_days_hours_minutes():
    assert age(NOW - timedelta(days=2, hours=1), now=NOW) == Age(days=2, hours=49, minutes=2940)
    assert age(NOW + timedelta(hours=1), now=NOW) == Age(0, 0, 0)


@pytest.mark.parametrize("most", ["²", "9" * 5000, "-1", "x"])
def test_an_odd_number_in_the_address_is_taken_as_none(client: TestClient, engine: Engine, most: str):
    with writing(engine) as session:
        organisation = an_organisation(session)
        token = a_token(session, a_person(session, organisation, Role.ASSESSOR), organisation)
    assert client.get("/queue", params={"most": most}, headers=bearer(token)).status_code == 200


def test_the_workstation_shows_the_phrase_of_a_recording_or_that_there_is_none(
    engine: Engine, client: TestClient, house: Organisation, assessor: Person
):
    with writing(engine) as session:
        rubric = a_rubric(session, house, code="presentation-skills")
        recorded = a_submission(session, house, rubric=rubric)
        uploaded = a_submission(session, house, rubric=rubric)
        phrase = Phrase(submission_id=recorded.id, language="en", text="blue lantern river window", drawn_at=NOW)
        session.add(phrase)
        session.flush()
        session.exec(select(Evidence).where(Evidence.submission_id == recorded.id)).one().phrase_id = phrase.id
    shown = client.get(claimed(client, recorded)).text
    assert shown.count("blue lantern river window") == 2, "with the four questions, and on the line they fold to"
    claim_id = re.search(r'"path": "/api/v1/claims/([^"]+)"', shown)
    assert claim_id is not None
    answer = client.get(f"/api/v1/claims/{claim_id[1]}").json()
    assert answer["evidence"][0]["phrase"]["text"] == "blue lantern river window"
    assert "No phrase: an uploaded file." in client.get(claimed(client, uploaded)).text
    plain = waiting(engine, house)
    assert "data-phrase=" not in client.get(claimed(client, plain)).text
