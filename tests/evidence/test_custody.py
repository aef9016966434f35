"""An original that is changed behind our back: it is found, its judging ends, and it comes back from a backup."""

import json
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence.custody import verify_submission
from app.evidence.models import Evidence, Receipt, Submission
from app.evidence.states import EvidenceState, SubmissionState
from app.home.investigating import stop_judging
from app.jobs.models import Job
from app.settings import Settings
from app.storage.client import Storage
from tests import warm
from tests.conftest import NOW
from tests.evidence.conftest import Candidate, a_candidate, row
from tests.factories import a_person, a_token, bearer

TEXT = "The company can repay the loan. " * 90


@dataclass(frozen=True)
class Sent:
    """A text that was sent, with what an assessor of the same organisation says to us."""

    candidate: Candidate
    submission_id: UUID
    evidence: Evidence
    assessor: dict[str, str]


@pytest.fixture
def sent(engine: Engine, client: TestClient, stored: Storage) -> Sent:
    candidate = a_candidate(engine, client, code="credit-analysis-walkthrough")
    submission_id = candidate.submission(language="en")
    made = candidate.post(f"/submissions/{submission_id}/evidence", {"kind": "text", "text": TEXT}).json()
    asked = candidate.get(f"/rubrics/{candidate.rubric_id}").json()["consents"]
    consents = [{"purpose": each["purpose"], "version": each["version"]} for each in asked]
    answer = candidate.post(f"/submissions/{submission_id}/submit", {"declaration": True, "consents": consents})
    assert answer.json()["submission"]["state"] == "ready", answer.text
    with writing(engine) as session:
        assessor = a_person(session, candidate.organisation, Role.ASSESSOR)
        token = a_token(session, assessor, candidate.organisation)
    return Sent(candidate, UUID(submission_id), row(engine, Evidence, UUID(made["id"])), bearer(token))


@dataclass(frozen=True)
class Operator:
    """Runs `assay evidence verify` as a program on a test's own database and storage."""

    settings: Settings

    def verify(self, *arguments: str) -> tuple[int, list[str]]:
        given = {name: str(getattr(self.settings, name)) for name in self.settings.model_fields_set}
        env = {**os.environ, **{f"ASSAY_{name.upper()}": said for name, said in given.items() if said}}
        done = warm.assay("evidence", "verify", *arguments, "--json", env=env)
        assert done.returncode in {0, 1}, done.stderr
        return done.returncode, [each["said"] for each in json.loads(done.stdout)["findings"]]


@pytest.fixture
def operator(settings: Settings) -> Operator:
    return Operator(settings)


def states(engine: Engine, sent: Sent) -> tuple[str, str]:
    return row(engine, Evidence, sent.evidence.id).state, row(engine, Submission, sent.submission_id).state


def acts(engine: Engine, subject: str) -> list[str]:
    with reading(engine) as session:
        found = session.exec(select(AuditEvent).where(AuditEvent.subject == subject).order_by(col(AuditEvent.seq)))
        return [event.action for event in found]


def test_a_changed_original_stops_its_judging_until_it_is_restored(
    engine: Engine, client: TestClient, stored: Storage, sent: Sent, operator: Operator
) -> None:
    claim = client.post("/api/v1/queue/claims", json={}, headers=sent.assessor).json()
    draft = {"version": claim["version"], "message": "Half done."}
    assert client.patch(f"/api/v1/claims/{claim['id']}/draft", json=draft, headers=sent.assessor).status_code == 200
    reference = row(engine, Submission, sent.submission_id).reference
    status, said = operator.verify(reference)
    assert (status, "the storage's checksum is still" in said[0]) == (0, True)
    original = stored.get_bytes(sent.evidence.object_key)
    stored.put_bytes(sent.evidence.object_key, original[::-1], media_type="text/plain")
    status, said = operator.verify(reference)
    assert (status, "another content" in said[0]) == (1, True)
    assert operator.verify("--all")[0] == 1
    assert states(engine, sent) == (EvidenceState.DAMAGED, SubmissionState.UNDER_INVESTIGATION)
    assert client.post("/api/v1/queue/claims", json={}, headers=sent.assessor).status_code == 204
    shown = sent.candidate.get(f"/submissions/{sent.submission_id}").json()
    assert shown["reason"]["code"] == "damaged"

    do_what_a_worker_would(engine)
    renewed = client.post(f"/api/v1/claims/{claim['id']}/renew", json={}, headers=sent.assessor)
    assert (renewed.status_code, renewed.json()["code"]) == (409, "claim-ended")

    stored.put_bytes(sent.evidence.object_key, original, media_type="text/plain")
    status, said = operator.verify(str(sent.submission_id))
    assert (status, "cleared" in said[0]) == (0, True)
    assert states(engine, sent) == (EvidenceState.READY, SubmissionState.READY)
    again = client.post("/api/v1/queue/claims", json={}, headers=sent.assessor).json()
    assert client.get(f"/api/v1/claims/{again['id']}", headers=sent.assessor).json()["draft"]["message"] == "Half done."
    assert acts(engine, f"evidence:{sent.evidence.id}")[-2:] == ["evidence.damaged", "evidence.cleared"]
    ours = [act for act in acts(engine, f"submission:{sent.submission_id}") if act.startswith("submission.")]
    assert ours[-2:] == ["submission.under-investigation", "submission.cleared"]
    with reading(engine) as session:
        assert verify(session).ok


def do_what_a_worker_would(engine: Engine) -> None:
    with writing(engine) as session:
        for job in session.exec(select(Job).where(Job.name == "evidence.stop-judging")).all():
            stop_judging(session, submission_id=UUID(job.args["submission_id"]), now=NOW)


def test_an_original_that_is_gone_is_damaged_even_if_no_worker_runs_before_it_is_back(
    engine: Engine, client: TestClient, stored: Storage, sent: Sent, operator: Operator
) -> None:
    client.post("/api/v1/queue/claims", json={}, headers=sent.assessor)
    original = stored.get_bytes(sent.evidence.object_key)
    stored.delete(sent.evidence.object_key)
    assert operator.verify(str(sent.submission_id))[0] == 1
    assert states(engine, sent) == (EvidenceState.DAMAGED, SubmissionState.UNDER_INVESTIGATION)
    stored.put_bytes(sent.evidence.object_key, original, media_type="text/plain")
    assert operator.verify(str(sent.submission_id))[0] == 0
    do_what_a_worker_would(engine)
    assert client.post("/api/v1/queue/claims", json={}, headers=sent.assessor).status_code == 201


def test_what_the_receipt_says_is_compared_too(engine: Engine, stored: Storage, sent: Sent, operator: Operator) -> None:
    with writing(engine) as session:
        receipt = session.exec(select(Receipt)).one()
        was = receipt.manifest
        receipt.manifest = {**was, "attempt": 2}
    status, said = operator.verify(str(sent.submission_id))
    assert (status, said[1]) == (1, "its manifest was changed after it was signed")
    with writing(engine) as session:
        receipt = session.exec(select(Receipt)).one()
        receipt.manifest, receipt.signature = was, "A" * 86
    status, said = operator.verify(str(sent.submission_id))
    assert (status, said[1]) == (1, "its signature does not fit")
    assert states(engine, sent)[0] == EvidenceState.READY


def test_a_digest_that_was_changed_in_the_database_is_found_by_the_signed_manifest(
    engine: Engine, stored: Storage, sent: Sent, operator: Operator
) -> None:
    forged = b"The company can't repay the loan."
    stored.put_bytes(sent.evidence.object_key, forged, media_type="text/plain")
    with writing(engine) as session:
        evidence: Any = session.get_one(Evidence, sent.evidence.id)
        found = stored.digest(evidence.object_key)
        assert found is not None
        evidence.sha256, evidence.size_bytes = found.sha256, found.size_bytes
    status, said = operator.verify(str(sent.submission_id))
    assert (status, said[0]) == (1, "the database says something else than the signed manifest: now damaged")


def test_what_was_copied_to_another_storage_has_another_checksum_there_and_is_not_damaged(
    candidate: Candidate, engine: Engine, stored: Storage
) -> None:
    evidence: Evidence = row(engine, Evidence, UUID(candidate.upload(candidate.submission(), b"sound")))
    stored.put_bytes(evidence.object_key, b"sound", media_type="audio/flac")  # in one piece, as copies are made
    (found,) = verify_submission(engine, stored, evidence.submission_id, public_key=lambda *_: None, now=NOW)
    assert (found.ok, "copied or restored since" in found.said) == (True, True)
    assert found.storage_etag_on_arrival == evidence.storage_etag != found.storage_etag
    assert row(engine, Evidence, evidence.id).state is EvidenceState.PROCESSING
