"""Sending: what is refused, what the receipt says, and that anybody can check it."""

import base64
import hashlib
import stat
from typing import Any
from uuid import UUID

import base58
import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.audit.service import verify
from app.credentials.models import SigningKey
from app.db.engine import reading, writing
from app.evidence import processing
from app.evidence.models import Evidence, Receipt, SubmissionConsent
from app.evidence.processing import Inspected, Key, Made
from app.evidence.reasons import Reason
from app.evidence.receipt_key import receipt_key
from app.evidence.states import EvidenceState, RenditionKind, StageName, StageState
from app.settings import Settings
from app.storage.client import Storage
from tests.conftest import NOW
from tests.evidence.conftest import CONSENTS, Candidate, a_candidate, row

SUBMIT = {"declaration": True, "consents": CONSENTS}
TEXT = {"kind": "text", "text": "I checked the identity before I spoke about the account."}
SOUND = b"sound of a call"
SHA = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture
def writer(engine: Engine, client: TestClient) -> Candidate:
    return a_candidate(engine, client, kinds=["text", "audio"])


def inspect(engine: Engine, evidence_id: str) -> Key:
    """Record what a worker finds out about the file."""
    key = Key(UUID(evidence_id), 1)
    with writing(engine) as session:
        processing.inspected(session, key, Inspected(SHA, len(SOUND), duration_ms=150_000), now=NOW)
    return key


def make_playable(engine: Engine, key: Key) -> None:
    made = Made(RenditionKind.PLAYABLE, "audio/mp4", f"e/{key.evidence_id}/p", 10, "ab" * 32)
    with writing(engine) as session:
        processing.publish(session, key, [made])
        processing.converted(session, key, now=NOW)


def state_of(candidate: Candidate, submission_id: str) -> str:
    return str(candidate.get(f"/submissions/{submission_id}").json()["state"])


def public_key(engine: Engine, kid: str) -> Ed25519PublicKey:
    with reading(engine) as session:
        stored = session.get_one(SigningKey, kid)
    return Ed25519PublicKey.from_public_bytes(base58.b58decode(stored.public_multibase[1:])[2:])


def check(engine: Engine, receipt: dict[str, Any]) -> None:
    """Check a receipt as a stranger would: signature over its canonical form without the signature."""
    signed = rfc8785.dumps({name: value for name, value in receipt.items() if name != "signature"})
    signature = base64.urlsafe_b64decode(receipt["signature"] + "==")
    public_key(engine, receipt["key_id"]).verify(signature, signed)


def test_a_text_goes_straight_to_the_queue_with_a_signed_receipt(writer: Candidate, stored: Storage, engine: Engine):
    submission_id = writer.submission()
    evidence = writer.post(f"/submissions/{submission_id}/evidence", TEXT).json()
    answer = writer.post(f"/submissions/{submission_id}/submit", SUBMIT)
    assert answer.status_code == 200, answer.text
    receipt, submission = answer.json()["receipt"], answer.json()["submission"]
    assert (submission["state"], submission["submitted_at"]) == ("ready", receipt["submitted_at"])
    assert receipt["evidence"] == [
        {"id": evidence["id"], "sha256": evidence["sha256"], "size_bytes": len(TEXT["text"])}
    ]
    check(engine, receipt)
    with pytest.raises(InvalidSignature):
        check(engine, {**receipt, "manifest_sha256": "0" * 64})
    with reading(engine) as session:
        manifest = session.exec(select(Receipt.manifest)).one()
        assert verify(session).ok
    assert hashlib.sha256(rfc8785.dumps(manifest)).hexdigest() == receipt["manifest_sha256"]
    assert manifest["consents"] == CONSENTS
    assert manifest["evidence"] == receipt["evidence"]
    assert writer.get(f"/submissions/{submission_id}/receipts").json()["items"] == [receipt]


def test_the_receipt_key_is_made_once_and_only_its_owner_reads_it(settings: Settings):
    first, second = receipt_key(settings.keys), receipt_key(settings.keys)
    assert first.public == second.public
    (file,) = settings.keys.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sending_needs_declaration_and_the_present_consents(writer: Candidate, stored: Storage):
    submission_id = writer.submission()
    path = f"/submissions/{submission_id}/submit"
    writer.post(f"/submissions/{submission_id}/evidence", TEXT)
    refused = [
        {"declaration": False, "consents": CONSENTS},
        {"consents": CONSENTS},
        {"declaration": True, "consents": []},
        {"declaration": True, "consents": CONSENTS[:1]},
        {"declaration": True, "consents": [CONSENTS[0], {"purpose": "transcription", "version": "0"}]},
        {"declaration": True, "consents": [*CONSENTS, {"purpose": "advertising", "version": "1"}]},
        {"declaration": True, "consents": CONSENTS, "state": "ready"},
    ]
    assert [writer.post(path, body).status_code for body in refused] == [422] * len(refused)
    assert state_of(writer, submission_id) == "draft"


def test_each_thing_that_is_not_ready_has_its_own_code(writer: Candidate, stored: Storage, engine: Engine):
    submission_id = writer.submission()
    path = f"/submissions/{submission_id}/submit"
    assert writer.post(path, SUBMIT).json()["code"] == "evidence-missing"
    going_on = writer.audio(submission_id, size_bytes=5)
    assert writer.post(path, SUBMIT).json()["code"] == "still-uploading"
    writer.delete(f"/evidence/{going_on['id']}")
    evidence_id = writer.upload(submission_id, SOUND)
    answer = writer.post(path, SUBMIT)
    assert (answer.status_code, answer.json()["code"]) == (409, "still-checking")
    with writing(engine) as session:
        processing.rejected(
            session, Key(UUID(evidence_id), 1), StageName.INSPECT, Reason("damaged", "It is damaged."), now=NOW
        )
    assert writer.post(path, SUBMIT).json()["code"] == "evidence-rejected"
    assert state_of(writer, submission_id) == "draft"


def test_a_recording_waits_for_its_playable_and_not_for_its_transcript(
    writer: Candidate, stored: Storage, engine: Engine
):
    submission_id = writer.submission()
    key = inspect(engine, writer.upload(submission_id, SOUND))
    answer = writer.post(f"/submissions/{submission_id}/submit", SUBMIT).json()
    assert answer["submission"]["state"] == "processing"
    assert answer["receipt"]["evidence"][0]["sha256"] == SHA
    make_playable(engine, key)
    assert state_of(writer, submission_id) == "ready"
    with writing(engine) as session:
        processing.transcribed(session, key, state=StageState.DONE, now=NOW)
    assert writer.get(f"/submissions/{submission_id}").json()["evidence"][0]["state"] == "ready"


def test_a_recording_converted_before_sending_goes_straight_to_the_queue(
    writer: Candidate, stored: Storage, engine: Engine
):
    submission_id = writer.submission()
    make_playable(engine, inspect(engine, writer.upload(submission_id, SOUND)))
    assert writer.post(f"/submissions/{submission_id}/submit", SUBMIT).json()["submission"]["state"] == "ready"


def test_a_file_that_proves_useless_later_comes_back_and_can_be_replaced(
    writer: Candidate, stored: Storage, engine: Engine
):
    submission_id = writer.submission()
    key = inspect(engine, writer.upload(submission_id, SOUND))
    first = writer.post(f"/submissions/{submission_id}/submit", SUBMIT).json()["receipt"]
    with writing(engine) as session:
        processing.rejected(session, key, StageName.CONVERT, Reason("damaged", "It is damaged."), now=NOW)
    submission = writer.get(f"/submissions/{submission_id}").json()
    assert (submission["state"], submission["reason"]["code"], submission["attempt"]) == (
        "returned",
        "evidence-rejected",
        1,
    )
    assert submission["evidence"][0]["reason"] == {"code": "damaged", "message": "It is damaged."}
    assert writer.delete(f"/evidence/{key.evidence_id}").status_code == 204
    assert row(engine, Evidence, key.evidence_id).state is EvidenceState.ERASED
    writer.post(f"/submissions/{submission_id}/evidence", TEXT)
    second = writer.post(f"/submissions/{submission_id}/submit", SUBMIT).json()["receipt"]
    kept = writer.get(f"/submissions/{submission_id}/receipts").json()["items"]
    assert {each["manifest_sha256"] for each in kept} == {first["manifest_sha256"], second["manifest_sha256"]}


def test_sent_evidence_never_changes(writer: Candidate, stored: Storage):
    submission_id = writer.submission()
    evidence = writer.post(f"/submissions/{submission_id}/evidence", TEXT).json()
    writer.post(f"/submissions/{submission_id}/submit", SUBMIT)
    answers = [
        writer.delete(f"/evidence/{evidence['id']}"),
        writer.post(f"/submissions/{submission_id}/evidence", TEXT),
        writer.post(f"/submissions/{submission_id}/submit", SUBMIT),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "not-open")] * 3


def test_sending_twice_with_one_key_gives_the_same_receipt(writer: Candidate, stored: Storage, engine: Engine):
    submission_id = writer.submission()
    writer.post(f"/submissions/{submission_id}/evidence", TEXT)
    key = {"Idempotency-Key": "send"}
    first = writer.post(f"/submissions/{submission_id}/submit", SUBMIT, headers=key)
    second = writer.post(f"/submissions/{submission_id}/submit", SUBMIT, headers=key)
    assert first.json() == second.json()
    with reading(engine) as session:
        assert len(session.exec(select(Receipt)).all()) == 1


def test_withdrawn_consent_is_kept_with_its_time(writer: Candidate, stored: Storage, engine: Engine):
    submission_id = writer.submission()
    writer.post(f"/submissions/{submission_id}/evidence", TEXT)
    writer.post(f"/submissions/{submission_id}/submit", SUBMIT)
    assert writer.post(f"/submissions/{submission_id}/consents/withdraw").json()["state"] == "withdrawn"
    with reading(engine) as session:
        assert {consent.withdrawn_at for consent in session.exec(select(SubmissionConsent))} == {NOW}
