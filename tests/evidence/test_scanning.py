"""While a file is not scanned nobody gets it, its candidate knows why, and it can be sent but not judged."""

from sqlalchemy import Engine

from app.actor import Role
from app.db.engine import writing
from app.evidence import processing, scanning
from app.evidence.processing import Inspected, Key
from app.evidence.reasons import Reason
from app.evidence.states import StageName
from app.jobs.catalog import SCAN
from app.storage.client import Storage
from tests.conftest import NOW
from tests.evidence.conftest import Candidate
from tests.evidence.test_media_api import staff
from tests.evidence.test_receipts import SHA, SOUND, SUBMIT
from workers.handlers import when_failed


def test_a_file_that_waits_for_its_scan_is_sent_and_not_handed_out(
    candidate: Candidate, engine: Engine, stored: Storage
):
    submission_id = candidate.submission()
    evidence_id = candidate.upload(submission_id, SOUND)
    key = Key.from_args({"evidence_id": evidence_id, "generation": 1})
    with writing(engine) as session:
        processing.inspected(session, key, Inspected(SHA, len(SOUND), duration_ms=150_000), now=NOW, scan=True)
        scanning.delayed(session, key, now=NOW)
    shown = candidate.get(f"/evidence/{evidence_id}").json()
    scan = next(stage for stage in shown["stages"] if stage["name"] == "scan")
    assert (scan["state"], scan["message"].split(",")[0]) == ("waiting", "Waiting for the virus check")
    page = candidate.client.get(f"/submissions/{submission_id}", headers=candidate.headers).text
    assert "Waiting for the virus check" in page
    withheld = candidate.get(f"/evidence/{evidence_id}/original")
    assert (withheld.status_code, withheld.json()["code"]) == (409, "not-scanned")
    sent = candidate.post(f"/submissions/{submission_id}/submit", SUBMIT).json()["submission"]
    assert sent["state"] == "processing"
    with writing(engine) as session:
        scanning.passed(session, key, scanner="ClamAV", now=NOW)
    assert candidate.get(f"/evidence/{evidence_id}/original").status_code == 302


def test_what_was_found_is_named_to_nobody_but_the_operator(candidate: Candidate, engine: Engine, stored: Storage):
    submission_id = candidate.submission()
    evidence_id = candidate.upload(submission_id, SOUND)
    key = Key.from_args({"evidence_id": evidence_id, "generation": 1})
    with writing(engine) as session:
        processing.inspected(session, key, Inspected(SHA, len(SOUND), duration_ms=150_000), now=NOW, scan=True)
        scanning.found(session, key, scanner="ClamAV", signature="Win.Trojan.Example-1", now=NOW)
    shown = candidate.get(f"/evidence/{evidence_id}")
    assert (shown.json()["state"], shown.json()["reason"]["code"]) == ("rejected", "malware")
    page = candidate.client.get(f"/submissions/{submission_id}", headers=candidate.headers).text
    assert "found something harmful in this file" in page
    assert "Trojan" not in shown.text + page
    assert candidate.get(f"/evidence/{evidence_id}/original").json()["code"] == "not-scanned"


def test_a_file_whose_scan_never_came_to_an_end_is_not_handed_out(
    candidate: Candidate, engine: Engine, stored: Storage
):
    evidence_id = candidate.upload(candidate.submission(), SOUND)
    key = Key.from_args({"evidence_id": evidence_id, "generation": 1})
    with writing(engine) as session:
        processing.inspected(session, key, Inspected(SHA, len(SOUND), duration_ms=150_000), now=NOW, scan=True)
        when_failed(session, {"name": SCAN.name, **key.to_args()}, "the worker died 3 times", NOW)
    assert candidate.get(f"/evidence/{evidence_id}").json()["state"] == "failed"
    assert candidate.get(f"/evidence/{evidence_id}/original").json()["code"] == "not-scanned"


def test_what_was_refused_before_its_scan_goes_back_to_its_candidate_alone(
    candidate: Candidate, engine: Engine, stored: Storage
):
    evidence_id = candidate.upload(candidate.submission(), SOUND)
    key = Key.from_args({"evidence_id": evidence_id, "generation": 1})
    with writing(engine) as session:
        processing.rejected(session, key, StageName.INSPECT, Reason("damaged", "It is damaged."), now=NOW)
    assert candidate.get(f"/evidence/{evidence_id}/original").status_code == 302
    path, auditor = f"/api/v1/evidence/{evidence_id}/original", staff(engine, candidate, Role.AUDITOR)
    asked = candidate.client.get(path, headers=auditor, params={"reason": "Complaint 17"})
    assert (asked.status_code, asked.json()["code"]) == (409, "not-scanned")
