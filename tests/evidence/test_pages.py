"""The candidate's pages: forms that work without scripts, every state in words, results with their moments."""

import json
from uuid import UUID

from sqlalchemy import Engine, update
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.accounts.models import Organisation, Person
from app.actor import Role
from app.db.engine import reading, writing
from app.evidence.models import Evidence, EvidenceStage, Submission
from app.evidence.states import EvidenceKind, EvidenceState, Outcome, StageName, StageState, SubmissionState
from app.storage.client import Storage
from tests.evidence.conftest import Candidate, a_candidate, row
from tests.factories import a_person, a_result, a_submission, a_token, bearer

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
STATE_WORDS = {
    SubmissionState.PROCESSING: "We are preparing it",
    SubmissionState.READY: "Waiting for an assessor",
    SubmissionState.IN_ASSESSMENT: "An assessor is looking at it",
    SubmissionState.MODERATION: "One more assessor looks at it",
    SubmissionState.HELD: "Decided; in the quality check",
    SubmissionState.RETURNED: "Sent back to you",
    SubmissionState.WITHDRAWN: "You took it back",
    SubmissionState.UNDER_INVESTIGATION: "On hold while we look into a question",
    SubmissionState.VOID: "This attempt does not count",
}


def page_of(candidate: Candidate, submission_id: object, **headers: str) -> str:
    answer = candidate.client.get(f"/submissions/{submission_id}", headers=candidate.headers | headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def form(candidate: Candidate, path: str, **fields: str) -> str:
    """Send a form as a browser without scripts does and return where it leads."""
    answer = candidate.client.post(path, data=fields, headers=candidate.headers | SAME_SITE)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def stored_submission(engine: Engine, candidate: Candidate, **facts: object) -> UUID:
    with writing(engine) as session:
        organisation = session.get_one(Organisation, candidate.organisation.id)
        person = session.get_one(Person, candidate.person.id)
        return a_submission(session, organisation, candidate=person, **facts).id  # type: ignore[arg-type]


def test_an_empty_list_says_how_to_begin(candidate: Candidate):
    page = candidate.client.get("/submissions", headers=candidate.headers)
    assert "You have sent nothing yet" in page.text
    assert "/submissions/new" in page.text


def test_a_submission_begins_with_a_rubric_and_a_language(candidate: Candidate):
    new = candidate.client.get("/submissions/new?rubric=teller-service-call", headers=candidate.headers)
    assert f'value="{candidate.rubric_id}" required checked' in new.text
    place = form(candidate, "/submissions", rubric_id=str(candidate.rubric_id), language="ar")
    page = candidate.client.get(place, headers=candidate.headers)
    assert "Record one service call of 2 to 10 minutes" in page.text
    assert "Choose files" in page.text
    assert "Not sent yet" in candidate.client.get("/submissions", headers=candidate.headers).text


def test_a_missing_choice_is_asked_again_with_what_was_chosen(candidate: Candidate):
    answer = candidate.client.post("/submissions", data={"language": "ar"}, headers=candidate.headers | SAME_SITE)
    assert answer.status_code == 422
    assert "This is needed." in answer.text
    assert 'value="ar" required checked' in answer.text


def test_every_state_is_said_in_words(engine: Engine, candidate: Candidate):
    for state, words in STATE_WORDS.items():
        submission_id = stored_submission(engine, candidate, state=state)
        assert words in page_of(candidate, submission_id)
        assert 'dir="rtl"' in page_of(candidate, submission_id, **{"Accept-Language": "ar"})
    assert candidate.client.get("/submissions", headers=candidate.headers).text.count("<li>") >= len(STATE_WORDS)


def test_every_state_of_evidence_has_a_sentence(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate, state=SubmissionState.DRAFT)
    with writing(engine) as session:
        held = session.exec(select(Evidence)).one()
        held.reason = {"code": "x", "message": "It is %(n)s h long.", "params": {"n": 3}}
        held.warnings = ["shorter-than-asked"]
        for position, name in enumerate((StageName.INSPECT, StageName.CONVERT)):
            done = StageState.DONE if position == 0 else StageState.RUNNING
            session.add(EvidenceStage(evidence_id=held.id, name=name, position=position, state=done, progress=0.4))
        session.add(held)
    for state in EvidenceState:
        set_evidence(engine, held.id, state=state)
        page = page_of(candidate, submission_id)
        assert "Evidence 1" in page
        assert ("It is 3 h long." in page) == (state in {EvidenceState.REJECTED, EvidenceState.FAILED})
        fragment = candidate.client.get(f"/evidence/{held.id}/row", headers=candidate.headers)
        assert fragment.text.strip().startswith("<li")


def test_every_kind_of_evidence_has_a_row(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate, state=SubmissionState.DRAFT)
    with reading(engine) as session:
        evidence_id = session.exec(select(Evidence.id)).one()
    for kind in EvidenceKind:
        set_evidence(engine, evidence_id, kind=kind)
        assert f'data-kind="{kind.value}"' in page_of(candidate, submission_id)


def set_evidence(engine: Engine, evidence_id: UUID, **facts: object) -> None:
    with writing(engine) as session:
        session.connection().execute(update(Evidence).where(col(Evidence.id) == evidence_id).values(**facts))


def test_a_text_is_written_sent_and_receipted_without_scripts(stored: Storage, engine: Engine, client: TestClient):
    candidate = a_candidate(engine, client, kinds=["text"], min_words=3)
    place = form(candidate, "/submissions", rubric_id=str(candidate.rubric_id), language="en")
    assert form(candidate, f"{place}/text", text="The customer was told the fee.") == place
    assert "6 words" in candidate.client.get(place, headers=candidate.headers).text
    consents = {"consent:assessment:1": "true", "consent:transcription:1": "true"}
    assert form(candidate, f"{place}/send", declaration="true", **consents) == place
    page = candidate.client.get(place, headers=candidate.headers).text
    assert "Waiting for an assessor" in page
    receipt = candidate.client.get(f"{place}/receipt.json", headers=candidate.headers)
    body = json.loads(receipt.text)
    assert body["manifest_sha256"] in page
    assert "attachment" in receipt.headers["content-disposition"]
    assert form(candidate, f"{place}/withdraw") == place
    assert "You took it back" in candidate.client.get(place, headers=candidate.headers).text


def test_sending_without_the_declaration_or_a_consent_says_what_is_needed(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate, state=SubmissionState.DRAFT)
    for fields, said in (({}, "own work"), ({"declaration": "true", "people": "none"}, "consent is needed")):
        answer = candidate.client.post(
            f"/submissions/{submission_id}/send", data=fields, headers=candidate.headers | SAME_SITE
        )
        assert answer.status_code == 422
        assert said in answer.text
    assert row(engine, Submission, submission_id).state is SubmissionState.DRAFT


def test_checks_say_what_is_missing(candidate: Candidate):
    submission_id = candidate.submission()
    page = candidate.client.get(f"/submissions/{submission_id}/checks", headers=candidate.headers).text
    assert "1 more wanted" in page
    assert 'data-ready="no"' in page


def test_checks_say_what_can_not_be_sent(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate, state=SubmissionState.DRAFT)
    for state, said in (
        (EvidenceState.REJECTED, "was not accepted"),
        (EvidenceState.FAILED, "try it again, or remove it"),
        (EvidenceState.DAMAGED, "is damaged and on hold"),
    ):
        with writing(engine) as session:
            wanted = update(Evidence).where(col(Evidence.submission_id) == submission_id)
            session.connection().execute(wanted.values(state=state))
        page = candidate.client.get(f"/submissions/{submission_id}/checks", headers=candidate.headers).text
        assert said in page
        assert 'data-ready="no"' in page


def test_a_good_result_shows_levels_moments_and_comments(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate)
    judge(engine, candidate, submission_id, Outcome.COMPETENT, 2)
    page = page_of(candidate, submission_id)
    assert "Competent. Well done." in page
    assert "66.7 %" in page
    assert 'data-at="64000"' in page
    assert "1:04" in page
    assert "Good question here." in page
    assert "Try again" not in page


def test_not_yet_says_what_to_send_again_and_begins_the_next_attempt(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate)
    judge(engine, candidate, submission_id, Outcome.NOT_YET_COMPETENT, 1)
    page = page_of(candidate, submission_id)
    assert "Not yet competent" in page
    assert "2 criteria need new evidence." in page
    assert "What to send again" in page
    place = form(candidate, f"/submissions/{submission_id}/resubmit")
    following = candidate.client.get(place, headers=candidate.headers).text
    assert "attempt 2" in following
    assert f"/submissions/{submission_id}" in following
    assert "Try again" not in page_of(candidate, submission_id)


def judge(engine: Engine, candidate: Candidate, submission_id: UUID, outcome: Outcome, level: int) -> None:
    with writing(engine) as session:
        organisation = session.get_one(Organisation, candidate.organisation.id)
        assessor = a_person(session, organisation, Role.ASSESSOR)
        submission = session.get_one(Submission, submission_id)
        a_result(session, submission, assessor=assessor, outcome=outcome, level=level)


def test_a_decision_is_not_shown_before_it_is_released(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate)
    judge(engine, candidate, submission_id, Outcome.COMPETENT, 2)
    with writing(engine) as session:
        submission = session.get_one(Submission, submission_id)
        submission.state, submission.released_at = SubmissionState.HELD, None
        session.add(submission)
    page = page_of(candidate, submission_id)
    assert "Decided; in the quality check" in page
    assert "Seen here." not in page
    assert "66.7" not in page


def test_nobody_else_sees_a_submission(engine: Engine, candidate: Candidate, stranger: Candidate):
    submission_id = stored_submission(engine, candidate)
    assert stranger.client.get(f"/submissions/{submission_id}", headers=stranger.headers).status_code == 404
    with reading(engine) as session:
        evidence_id = session.exec(select(Evidence.id)).one()
    assert stranger.client.get(f"/evidence/{evidence_id}/row", headers=stranger.headers).status_code == 404
    with writing(engine) as session:
        organisation = session.get_one(Organisation, candidate.organisation.id)
        token = a_token(session, a_person(session, organisation, Role.ASSESSOR), organisation)
    assert candidate.client.get(f"/submissions/{submission_id}", headers=bearer(token)).status_code == 403


def test_only_the_recorder_may_use_camera_microphone_and_screen(candidate: Candidate):
    submission_id = candidate.submission()

    def allowed(path: str) -> str:
        page = candidate.client.get(path, headers=candidate.headers)
        assert page.status_code == 200
        assert "unsafe-inline" not in page.headers["content-security-policy"]
        return page.headers["permissions-policy"]

    for name in ("camera", "microphone", "display-capture"):
        assert f"{name}=(self)" in allowed(f"/submissions/{submission_id}/record")
        assert f"{name}=()" in allowed(f"/submissions/{submission_id}")
        assert f"{name}=()" in allowed("/submissions")


def test_the_recorder_opens_only_where_something_may_be_recorded(engine: Engine, candidate: Candidate):
    submission_id = stored_submission(engine, candidate)
    answer = candidate.client.get(
        f"/submissions/{submission_id}/record", headers=candidate.headers, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/submissions/{submission_id}")
