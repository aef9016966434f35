"""A word of a transcript is corrected: what was heard stays, the act is recorded, nobody else may."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select, update
from starlette.testclient import TestClient

from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.corrections import Correction, corrected
from app.evidence.models import Submission
from app.evidence.models import Transcript as TranscriptRow
from app.evidence.states import SubmissionState
from app.evidence.transcripts import Segment, Transcript, Word
from app.review.models import Claim
from tests.conftest import NOW
from tests.evidence.test_media_api import TRANSCRIPT, World, staff, world

__all__ = ["world"]


@pytest.fixture
def heard(world: World, engine: Engine) -> World:
    """A recording in the queue with its transcript."""
    with writing(engine) as session:
        body = TRANSCRIPT.to_json()
        session.add(
            TranscriptRow(evidence_id=world.key.evidence_id, language="ar", model="w", body=body, created_at=NOW)
        )
    return world


def claim(world: World, client: TestClient) -> None:
    taken = client.post("/api/v1/queue/claims", json={}, headers=world.assessor)
    assert (taken.status_code, taken.json()["submission_id"]) == (201, world.submission_id)


def patch(world: World, client: TestClient, headers: dict[str, str], **body: Any) -> Any:
    return client.patch(f"/api/v1{world.path}/transcript", json={"segment": 0, "word": 1, **body}, headers=headers)


def transcript_of(world: World) -> Any:
    return world.candidate.get(world.path + "/transcript").json()


def test_the_holder_of_the_claim_corrects_a_word_and_puts_it_back(heard: World, client: TestClient, engine: Engine):
    claim(heard, client)
    answer = patch(heard, client, heard.assessor, text="  تفضلي ")
    assert answer.json() == {
        "segment": 0, "word": 1, "start_ms": 500, "end_ms": 900, "text": "تفضلي", "probability": 0.8, "heard": "تفضل.",
    }  # fmt: skip
    segment = transcript_of(heard)["segments"][0]
    assert (segment["text"], segment["words"][1]["heard"]) == ("نعم، تفضلي", "تفضل.")
    assert heard.candidate.get(heard.path + "/transcript.txt").text == "نعم، تفضلي\n"
    assert "تفضلي" in heard.candidate.get(heard.path + "/transcript.vtt").text

    captions = heard.candidate.get(heard.path + "/captions")  # not the file that the worker stored before
    assert captions.headers["location"].endswith(heard.path + "/transcript.vtt")

    assert "heard" not in patch(heard, client, heard.assessor, text=None).json()
    assert transcript_of(heard)["segments"] == [json.loads(json.dumps(TRANSCRIPT.segments[0].to_json()))]


def test_each_correction_is_recorded_with_the_words_outside_the_chain(heard: World, client: TestClient, engine: Engine):
    claim(heard, client)
    patch(heard, client, heard.assessor, text="تفضلي")
    patch(heard, client, heard.assessor, text="تفضلي")  # changes nothing: no second row
    with reading(engine) as session:
        row = session.exec(select(TranscriptRow)).one()
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "transcript.corrected")).one()
        assert verify(session).ok
    assert [(each["from"], each["to"], each["by"]) for each in row.corrections] == [
        ("تفضل.", "تفضلي", str(event.actor_id))
    ]
    assert set(event.body) == {"segment", "word", "restored", "corrections", "transcript_sha256"}
    assert "تفضل" not in json.dumps(event.body, ensure_ascii=False)


@pytest.mark.parametrize("role", [Role.ASSESSOR, Role.VALIDATOR, Role.LEAD_VALIDATOR, Role.AUDITOR])
def test_nobody_else_corrects_a_word(heard: World, client: TestClient, engine: Engine, role: Role):
    claim(heard, client)
    assert patch(heard, client, staff(engine, heard.candidate, role), text="x").status_code in {403, 404}
    assert patch(heard, client, heard.candidate.headers, text="x").status_code == 403
    assert transcript_of(heard)["segments"][0]["text"] == "نعم، تفضل."


def test_after_the_judgement_the_transcript_stays_as_it_was_judged(heard: World, client: TestClient, engine: Engine):
    claim(heard, client)
    with writing(engine) as session:
        session.connection().execute(update(Submission).values(state=SubmissionState.HELD))
    assert patch(heard, client, heard.assessor, text="x").json()["code"] in {"judged", "not-found"}
    assert transcript_of(heard)["segments"][0]["text"] == "نعم، تفضل."


@pytest.mark.parametrize(
    ("body", "code"),
    [({"word": 2, "text": "x"}, "no-such-word"), ({"segment": 1, "text": "x"}, "no-such-word"),
     ({"text": "   "}, "bad-word"), ({"text": "a\u202eb"}, "bad-word")],
)  # fmt: skip
def test_what_is_no_word_is_refused(heard: World, client: TestClient, body: dict[str, Any], code: str):
    claim(heard, client)
    answer = patch(heard, client, heard.assessor, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_same_word_twice_is_corrected_in_its_own_place():
    words = tuple(Word(n * 100, n * 100 + 90, text, 0.9) for n, text in enumerate(["ha", "ha,", "ha"]))
    found = corrected(Transcript("en", "m", (Segment(0, 300, "ha ha, ha", words),)), Correction(0, 2, "ho ho"))
    again = corrected(found, Correction(0, 1, "hi,"))
    assert again.segments[0].text == "ha hi, ho ho"
    assert [word.heard for word in again.segments[0].words] == [None, "ha,", "ha"]


def test_who_judges_next_does_not_see_that_somebody_has_corrected_a_word(
    heard: World, client: TestClient, engine: Engine
):
    claim(heard, client)
    patch(heard, client, heard.assessor, text="first")
    own = client.get(f"/api/v1{heard.path}/transcript", headers=heard.assessor).json()
    assert own["segments"][0]["words"][1]["heard"] == "تفضل."
    with writing(engine) as session:  # judged, and due for a second mark
        session.connection().execute(update(Claim).values(ended_at=NOW))
        session.connection().execute(update(Submission).values(state=SubmissionState.READY))
    second = staff(engine, heard.candidate, Role.ASSESSOR)
    client.post("/api/v1/queue/claims", json={"submission_id": heard.submission_id}, headers=second)

    def seen() -> Any:
        return client.get(f"/api/v1{heard.path}/transcript", headers=second).json()["segments"][0]["words"][1]

    assert (seen()["text"], "heard" in seen()) == ("first", False)
    for text in (None, "first"):  # as if it had been heard so
        assert "heard" not in patch(heard, client, second, text=text).json()
    assert patch(heard, client, second, text="second").json()["heard"] == "first"
    assert seen()["heard"] == "first"
    assert "heard" not in patch(heard, client, second, text=None).json()
    assert (seen()["text"], "heard" in seen()) == ("first", False)
    assert transcript_of(heard)["segments"][0]["words"][1]["heard"] == "تفضل."  # the machine's word is kept
