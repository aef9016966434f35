"""The phrase drawn for a recording: by the server, for one recording, shown to those who judge it."""

from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.audit.models import AuditEvent
from app.db.engine import reading
from app.evidence.models import Phrase
from app.evidence.phrase_words import WORDS
from app.evidence.phrases import LENGTH
from tests.conftest import Clock
from tests.evidence.conftest import Candidate, a_candidate, row


def recording(candidate: Candidate, submission: str, phrase: str) -> dict[str, object]:
    body = {"kind": "audio", "name": "recording.webm", "media_type": "audio/webm;codecs=opus", "size_bytes": None}
    answer = candidate.post(f"/submissions/{submission}/evidence", {**body, "phrase_id": phrase})
    return {"status": answer.status_code, **answer.json()}


def test_each_draw_is_new_and_in_the_language_of_the_submission(engine: Engine, client: TestClient, clock: Clock):
    candidate = a_candidate(engine, client, phrase=True)
    for language in ("ar", "en"):
        submission = candidate.submission(language=language)
        drawn = [candidate.post(f"/submissions/{submission}/phrases").json() for _ in range(5)]
        assert len({each["text"] for each in drawn}) == 5
        for each in drawn:
            words = each["text"].split()
            assert (each["language"], len(words), len(set(words))) == (language, LENGTH, LENGTH)
            assert set(words) <= set(WORDS[language])
            assert row(engine, Phrase, UUID(each["id"])).drawn_at == clock.now
    with reading(engine) as session:
        drawn_events = session.exec(select(AuditEvent).where(AuditEvent.action == "phrase.drawn")).all()
    assert len(drawn_events) == 10


def test_a_phrase_belongs_to_one_recording_for_ever(engine: Engine, client: TestClient, stored: object):
    candidate = a_candidate(engine, client, phrase=True)
    submission, other = candidate.submission(), candidate.submission()
    drawn = candidate.post(f"/submissions/{submission}/phrases").json()
    assert recording(candidate, other, drawn["id"])["code"] == "phrase-used"
    made = recording(candidate, submission, drawn["id"])
    assert made["phrase"] == {name: drawn[name] for name in ("text", "language", "drawn_at")} | {
        "used_at": drawn["drawn_at"]  # the clock stands still
    }
    assert recording(candidate, submission, drawn["id"])["code"] == "phrase-used"
    assert candidate.delete(f"/evidence/{made['id']}").status_code == 204
    assert recording(candidate, submission, drawn["id"])["code"] == "phrase-used"


def test_only_recordings_have_phrases_and_only_where_the_rubric_asks(
    engine: Engine, client: TestClient, stored: object
):
    candidate = a_candidate(engine, client, phrase=True, kinds=["audio", "document"])
    submission = candidate.submission()
    drawn = candidate.post(f"/submissions/{submission}/phrases").json()
    body = {"kind": "document", "name": "a.pdf", "media_type": "application/pdf", "size_bytes": 9}
    answer = candidate.post(f"/submissions/{submission}/evidence", {**body, "phrase_id": drawn["id"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "phrase_id")
    plain = a_candidate(engine, client)
    answer = plain.post(f"/submissions/{plain.submission()}/phrases")
    assert (answer.status_code, answer.json()["code"]) == (409, "no-phrase")


def test_the_word_lists_hold_each_word_once():
    for words in WORDS.values():
        assert len(words) == len(set(words)) > 90
