"""Text evidence: kept as it was written, counted, ready at once."""

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.db.engine import reading
from app.errors import Invalid
from app.evidence.models import Evidence, Rendition
from app.evidence.texts import read_text
from app.storage.client import Storage
from tests.evidence.conftest import Candidate, a_candidate, row

TEXT = "First, I asked for the name.\nThen for the date.\n\nثم شرحت للعميل الخطوات التالية."


@pytest.fixture
def writer(engine: Engine, client: TestClient) -> Candidate:
    return a_candidate(engine, client, kinds=["text"], min_words=10, max_words=20)


def test_a_text_is_ready_at_once_and_kept_as_an_object(writer: Candidate, stored: Storage, engine: Engine):
    answer = writer.post(f"/submissions/{writer.submission()}/evidence", {"kind": "text", "text": TEXT})
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["kind"], shown["state"], shown["sha256"]) == (
        "text",
        "ready",
        hashlib.sha256(TEXT.encode()).hexdigest(),
    )
    stages = [(stage["name"], stage["state"]) for stage in shown["stages"]]
    assert stages == [("inspect", "done"), ("scan", "skipped"), ("extract", "done")]
    assert [each["kind"] for each in shown["renditions"]] == ["text"]
    evidence = row(engine, Evidence, UUID(shown["id"]))
    assert stored.get_bytes(evidence.object_key).decode() == TEXT
    with reading(engine) as session:
        rendition = session.exec(select(Rendition)).one()
    body = stored.get_bytes(rendition.object_key)
    assert hashlib.sha256(body).hexdigest() == rendition.sha256
    paragraphs = json.loads(body)["paragraphs"]
    assert [TEXT[each["start"] : each["end"]] for each in paragraphs] == [each["text"] for each in paragraphs]
    assert len(paragraphs) == 2


def test_a_long_text_is_refused_with_its_length_and_a_short_one_is_marked(writer: Candidate, stored: Storage):
    submission_id = writer.submission()
    answer = writer.post(f"/submissions/{submission_id}/evidence", {"kind": "text", "text": "word " * 21})
    assert answer.status_code == 422
    assert "21 words" in answer.json()["detail"]
    answer = writer.post(f"/submissions/{submission_id}/evidence", {"kind": "text", "text": "word " * 9})
    assert answer.json()["warnings"] == ["shorter-than-asked"]


def test_a_draft_is_kept_for_all_devices_and_none_writes_over_another(writer: Candidate):
    place = f"/submissions/{writer.submission()}"
    written = {"text": "On the laptop", "language": "ar", "replaces": None, "version": 0}

    def save(**changes: object) -> Any:
        path = f"/api/v1{place}/text-draft"
        return writer.client.put(path, json=written | changes, headers=writer.headers)

    assert save().json()["version"] == 1
    answer = save(text="On the phone")
    assert (answer.status_code, answer.json()["code"], answer.json()["text"]) == (409, "draft-changed", "On the laptop")
    assert save(text="On the phone", version=1).json()["version"] == 2
    assert save(language="fr", version=2).status_code == 422


@pytest.mark.parametrize("text", ["", " \n ", "a\x00b", "\ud800", "x" * 200_001])
def test_what_nobody_can_read_is_refused(text: str):
    with pytest.raises(Invalid):
        read_text(text)


def test_a_text_with_fields_of_a_file_is_refused(writer: Candidate):
    body = {"kind": "text", "text": TEXT, "size_bytes": 5}
    assert writer.post(f"/submissions/{writer.submission()}/evidence", body).status_code == 422
    assert writer.post(f"/submissions/{writer.submission()}/evidence", {"kind": "text"}).status_code == 422


def test_while_the_storage_is_down_a_text_is_refused_whole(writer: Candidate):
    submission_id = writer.submission()
    answer = writer.post(f"/submissions/{submission_id}/evidence", {"kind": "text", "text": TEXT})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert writer.get(f"/submissions/{submission_id}").json()["evidence"] == []


@given(
    some.lists(
        some.text(some.characters(blacklist_categories=["Cc", "Cs"], blacklist_characters="\u202d\u202e"), min_size=1),
        min_size=1,
    )
)
def test_every_word_is_in_a_paragraph_at_its_place(lines: list[str]):
    text = "\n".join(lines)
    if not text.split():
        return
    written = read_text(text)
    kept = written.content.decode()
    assert kept == text
    inside = " ".join(str(each["text"]) for each in written.paragraphs)
    assert inside.split() == kept.split()
    assert written.words == len(kept.split())


def test_what_turns_letters_around_is_left_out():
    assert read_text("pay \u202e001\u202c \u2067مرحبا\u2069").content.decode() == "pay 001\u202c \u2067مرحبا\u2069"


def test_a_version_that_no_device_has_heard_of_is_refused(writer: Candidate):
    path = f"/api/v1/submissions/{writer.submission()}/text-draft"
    for version in (2**31, 2**63, 10**30):
        draft = {"text": "x", "language": "en", "version": version}
        assert writer.client.put(path, json=draft, headers=writer.headers).status_code == 422
