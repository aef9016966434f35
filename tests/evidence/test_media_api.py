"""Reading evidence: who may, by which address, for how long, and that every look is recorded."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import processing
from app.evidence.models import Evidence, TranscriptChunk
from app.evidence.models import Transcript as TranscriptRow
from app.evidence.processing import Key, Made
from app.evidence.states import RenditionKind, StageState
from app.evidence.transcripts import Segment, Transcript, Word
from app.storage.client import Storage
from tests.conftest import NOW, Clock
from tests.evidence.conftest import BROWSER, Candidate, a_candidate
from tests.evidence.test_receipts import SOUND, SUBMIT, inspect
from tests.factories import a_person, a_token, bearer

PLAYABLE = b"0123456789" * 100
TRANSCRIPT = Transcript(
    "ar",
    "whisper base",
    (Segment(0, 900, "نعم، تفضل.", (Word(0, 400, "نعم،", 0.9), Word(500, 900, "تفضل.", 0.8))),),
    (),
)


@dataclass
class World:
    """A submission in the queue with one recording, its candidate, and an assessor."""

    candidate: Candidate
    submission_id: str
    key: Key
    assessor: dict[str, str]

    @property
    def path(self) -> str:
        return f"/evidence/{self.key.evidence_id}"


@pytest.fixture
def world(engine: Engine, client: TestClient, stored: Storage) -> World:
    candidate = a_candidate(engine, client)
    submission_id = candidate.submission()
    key = inspect(engine, candidate.upload(submission_id, SOUND))
    object_key = f"e/{uuid4()}"
    stored.put_bytes(object_key, PLAYABLE, media_type="audio/mp4")
    with writing(engine) as session:
        processing.publish(session, key, [Made(RenditionKind.PLAYABLE, "audio/mp4", object_key, 1000, "ab" * 32)])
        processing.converted(session, key, now=NOW)
    assert candidate.post(f"/submissions/{submission_id}/submit", SUBMIT).json()["submission"]["state"] == "ready"
    return World(candidate, submission_id, key, staff(engine, candidate, Role.ASSESSOR))


def staff(engine: Engine, candidate: Candidate, role: Role) -> dict[str, str]:
    with writing(engine) as session:
        return bearer(a_token(session, a_person(session, candidate.organisation, role), candidate.organisation))


def claim(client: TestClient, world: World) -> Any:
    body = {"submission_id": world.submission_id}
    return client.post("/api/v1/queue/claims", json=body, headers=world.assessor).json()


def views(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as session:
        assert verify(session).ok
        return list(session.exec(select(AuditEvent.body).where(AuditEvent.action == "evidence.viewed")))


def life_of(address: str) -> int:
    return int(parse_qs(urlsplit(address).query)["X-Amz-Expires"][0])


def test_the_candidate_plays_by_a_signed_address_that_honours_range(world: World, engine: Engine):
    answer = world.candidate.get(world.path + "/playable")
    assert answer.status_code == 302
    part = BROWSER.request("GET", answer.headers["location"], headers={"Range": "bytes=10-19"})
    assert (part.status, part.data, part.headers["Content-Type"]) == (206, b"0123456789", "audio/mp4")
    assert part.headers["Content-Range"] == "bytes 10-19/1000"
    assert views(engine) == [{"what": "playable", "by": "candidate"}]
    assert answer.headers["cache-control"] == "no-store"


def test_a_preview_is_for_its_candidate_until_the_playable_is_there(
    engine: Engine, client: TestClient, stored: Storage
):
    candidate = a_candidate(engine, client)
    key = inspect(engine, candidate.upload(candidate.submission(), SOUND))
    path, auditor = f"/evidence/{key.evidence_id}", staff(engine, candidate, Role.AUDITOR)

    def publish(kind: RenditionKind) -> None:
        with writing(engine) as session:
            made = Made(kind, "video/mp4", f"e/{kind}", 1000, "ab" * 32)
            processing.publish(session, key, [made])
            if kind is RenditionKind.PLAYABLE:
                processing.converted(session, key, now=NOW)

    publish(RenditionKind.PREVIEW)
    assert "/e/preview?" in candidate.get(path + "/preview").headers["location"]
    assert [each["kind"] for each in candidate.get(path).json()["renditions"]] == ["preview"]
    asked = {"headers": auditor, "params": {"reason": "Complaint 17"}}
    assert client.get(f"/api/v1{path}/preview", **asked).json()["code"] == "not-there-yet"
    assert client.get(f"/api/v1{path}", **asked).json()["renditions"] == []
    publish(RenditionKind.PLAYABLE)
    assert "/e/playable?" in candidate.get(path + "/preview").headers["location"]
    assert [each["kind"] for each in candidate.get(path).json()["renditions"]] == ["playable"]


def test_an_assessor_reads_while_the_claim_lives_and_sees_no_file_name(
    world: World, client: TestClient, engine: Engine, clock: Clock
):
    get = lambda path: client.get("/api/v1" + world.path + path, headers=world.assessor)  # noqa: E731
    assert get("").status_code == 404
    assert get("/playable").status_code == 404
    claim(client, world)
    shown = get("")
    assert shown.json()["name"] == "Evidence 1"
    assert "call.flac" not in shown.text
    address = get("/playable").headers["location"]
    assert life_of(address) == 900 + 150 + 60
    assert views(engine)[-1] == {"what": "playable", "by": "lease"}
    clock.forward(seconds=901)
    assert get("/playable").status_code == 404


def test_an_address_lives_two_hours_at_most(world: World, client: TestClient, engine: Engine):
    with writing(engine) as session:
        evidence = session.get_one(Evidence, world.key.evidence_id)
        evidence.duration_ms = 10 * 3600 * 1000
        session.add(evidence)
    assert life_of(world.candidate.get(world.path + "/playable").headers["location"]) == 7200


@pytest.mark.parametrize("role", [Role.LEAD_VALIDATOR, Role.AUDITOR])
def test_lead_and_auditor_state_a_reason_that_is_recorded(world: World, client: TestClient, engine: Engine, role: Role):
    headers = staff(engine, world.candidate, role)
    url = "/api/v1" + world.path + "/playable"
    refused = client.get(url, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "reason-needed")
    assert client.get(url + "?reason=Complaint+17", headers=headers).status_code == 302
    assert views(engine) == [{"what": "playable", "by": "reason", "reason": "Complaint 17"}]


@pytest.mark.parametrize("role", [Role.LEAD_VALIDATOR, Role.AUDITOR])
def test_a_role_for_other_rubrics_opens_nothing_here(world: World, client: TestClient, engine: Engine, role: Role):
    with writing(engine) as session:
        limited = a_person(session, world.candidate.organisation, role, rubrics=("another-rubric",))
        headers = bearer(a_token(session, limited, world.candidate.organisation))
    answer = client.get(f"/api/v1{world.path}/playable?reason=Complaint+17", headers=headers)
    assert answer.status_code == 404
    assert views(engine) == []


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.ASSESSOR, Role.VALIDATOR])
def test_others_of_the_same_organisation_get_nothing(world: World, client: TestClient, engine: Engine, role: Role):
    headers = staff(engine, world.candidate, role)
    for path in ("", "/playable", "/original", "/transcript", "/transcript.vtt", "/waveform"):
        answer = client.get(f"/api/v1{world.path}{path}?reason=curious", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), path
    assert client.get(f"/api/v1/submissions/{world.submission_id}/events", headers=headers).status_code == 404
    assert views(engine) == []


def test_another_organisations_lead_gets_the_same_as_for_an_unknown_id(
    world: World, client: TestClient, engine: Engine, stranger: Candidate
):
    headers = staff(engine, stranger, Role.LEAD_VALIDATOR)
    theirs = client.get(f"/api/v1{world.path}?reason=x", headers=headers)
    unknown = client.get(f"/api/v1/evidence/{uuid4()}?reason=x", headers=headers)
    assert (theirs.status_code, theirs.json()) == (404, unknown.json())


def test_the_original_comes_only_as_a_file_to_save(world: World, engine: Engine):
    answer = world.candidate.get(world.path + "/original")
    got = BROWSER.request("GET", answer.headers["location"])
    assert got.data == SOUND
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == "attachment; filename=\"call.flac\"; filename*=UTF-8''call.flac"
    changed = answer.headers["location"].replace("attachment", "inline")
    assert BROWSER.request("GET", changed).status == 403


def test_staff_save_the_original_without_its_name(world: World, client: TestClient):
    claim(client, world)
    answer = client.get("/api/v1" + world.path + "/original", headers=world.assessor)
    saved = BROWSER.request("GET", answer.headers["location"]).headers["Content-Disposition"]
    assert saved == "attachment; filename=\"Evidence 1.flac\"; filename*=UTF-8''Evidence%201.flac"


def test_staff_see_the_number_that_stands_on_the_page_and_nothing_that_a_candidate_has_written(
    world: World, client: TestClient, engine: Engine
):
    claim(client, world)
    with writing(engine) as session:
        evidence = session.get_one(Evidence, world.key.evidence_id)
        evidence.position, evidence.media_type = 3, 'audio/flac; name="Amira Nasser.flac"'  # two were taken out before
    shown = client.get("/api/v1" + world.path, headers=world.assessor)
    assert (shown.json()["name"], shown.json()["media_type"]) == ("Evidence 1", "audio/flac")
    assert "Amira" not in shown.text
    original = client.get("/api/v1" + world.path + "/original", headers=world.assessor)
    assert "Evidence%201.flac" in original.headers["location"].replace("%25", "%")


def test_captions_of_a_corrected_transcript_keep_the_reason(world: World, client: TestClient, engine: Engine):
    with writing(engine) as session:
        row = TranscriptRow(evidence_id=world.key.evidence_id, language="ar", model="w", created_at=NOW)
        row.body, row.corrections = TRANSCRIPT.to_json(), [{"segment": 0, "word": 0, "from": "a", "to": "b", "by": "c"}]
        session.add(row)
    asked = {"headers": staff(engine, world.candidate, Role.AUDITOR), "params": {"reason": "Complaint 17 & more"}}
    answer = client.get(f"/api/v1{world.path}/captions", **asked)
    assert client.get(answer.headers["location"], headers=asked["headers"]).text.startswith("WEBVTT")
    assert views(engine)[-1]["reason"] == "Complaint 17 & more"


def test_what_is_not_there_yet_says_so(world: World):
    for path in ("/poster", "/waveform", "/captions", "/text", "/transcript", "/transcript.srt"):
        answer = world.candidate.get(world.path + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-there-yet"), path
    assert world.candidate.get(world.path + "/transcript.exe").status_code == 404
    assert world.candidate.get(world.path + "/speech").status_code == 404


def test_the_transcript_comes_as_json_and_as_files(world: World, engine: Engine):
    with writing(engine) as session:
        body = TRANSCRIPT.to_json()
        session.add(
            TranscriptRow(evidence_id=world.key.evidence_id, language="ar", model="w", body=body, created_at=NOW)
        )
    answer = world.candidate.get(world.path + "/transcript").json()
    assert answer == {**json.loads(json.dumps(TRANSCRIPT.to_json())), "complete": True}
    vtt, srt, txt = (world.candidate.get(f"{world.path}/transcript.{form}") for form in ("vtt", "srt", "txt"))
    assert vtt.text.startswith("WEBVTT")
    assert vtt.headers["content-type"].startswith("text/vtt")
    assert "00:00:00,000 --> " in srt.text
    assert txt.text == "نعم، تفضل.\n"
    assert txt.headers["content-security-policy"].startswith("sandbox")
    assert [view["what"] for view in views(engine)] == ["transcript"] * 4


def test_a_transcript_grows_while_it_is_made(world: World, engine: Engine):
    segment = TRANSCRIPT.segments[0].to_json()
    with writing(engine) as session:
        for index in (0, 1):
            session.add(
                TranscriptChunk(
                    evidence_id=world.key.evidence_id,
                    plan="p",
                    index=index,
                    start_ms=0,
                    end_ms=900,
                    segments=[{**segment, "figures": {"loops": 0}}],
                )
            )
    answer = world.candidate.get(world.path + "/transcript").json()
    assert (answer["complete"], len(answer["segments"])) == (False, 2)


def test_while_the_database_row_says_ready_the_evidence_lists_its_renditions(world: World, engine: Engine):
    with writing(engine) as session:
        processing.transcribed(session, world.key, state=StageState.DONE, now=NOW)
    shown = world.candidate.get(world.path).json()
    assert shown["state"] == "ready"
    assert shown["renditions"] == [
        {
            "kind": "playable",
            "media_type": "audio/mp4",
            "size_bytes": 1000,
            "sha256": "ab" * 32,
            "url": f"/api/v1{world.path}/playable",
        }
    ]
    assert world.candidate.client.get(shown["renditions"][0]["url"], headers=world.candidate.headers).status_code == 302
