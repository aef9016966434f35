"""Uploads that nobody finishes are dropped after a week, and their candidates are told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, update
from sqlmodel import col, select

from app.db.engine import reading, writing
from app.evidence.expiring import sweep
from app.evidence.models import Evidence
from app.evidence.removing import erase_objects
from app.evidence.states import EvidenceState
from app.jobs.models import Job
from app.storage.client import Storage
from tests.conftest import NOW
from tests.evidence.conftest import Candidate, put, row
from tests.races import until_somebody_waits

WEEK = timedelta(days=7, minutes=1)


def nothing() -> None:
    """Never stop."""


def upload_ids(storage: Storage) -> set[str]:
    return {upload.upload_id for upload in storage.unfinished("e/")}


def begun(candidate: Candidate, engine: Engine) -> Evidence:
    """Return an upload of which one part has arrived."""
    evidence = candidate.audio(candidate.submission(), size_bytes=5)
    (part,) = candidate.sign(evidence["id"], [1])
    assert put(part, b"sound") == 200
    found: Evidence = row(engine, Evidence, UUID(evidence["id"]))
    return found


def test_an_upload_of_over_a_week_is_dropped_and_its_candidate_told(
    candidate: Candidate, stored: Storage, engine: Engine
) -> None:
    evidence = begun(candidate, engine)
    sweep(engine, stored, now=NOW + timedelta(days=6), go_on=nothing)
    assert candidate.get(f"/evidence/{evidence.id}").json()["state"] == "uploading"
    for _ in range(2):  # a sweep that is repeated changes nothing
        sweep(engine, stored, now=NOW + WEEK, go_on=nothing)
        shown = candidate.get(f"/evidence/{evidence.id}").json()
        assert (shown["state"], shown["reason"]["code"]) == ("rejected", "upload-expired")
        assert {stage["state"] for stage in shown["stages"]} == {"failed", "skipped"}
    erase_objects(stored, **row(engine, Job, f"erase:{evidence.id}:first").args)
    assert evidence.upload_id not in upload_ids(stored)
    assert candidate.delete(f"/evidence/{evidence.id}").status_code == 204
    assert candidate.get(f"/submissions/{evidence.submission_id}").json()["evidence"] == []


def test_an_upload_that_the_storage_has_lost_is_named(candidate: Candidate, stored: Storage, engine: Engine) -> None:
    evidence, joined = begun(candidate, engine), begun(candidate, engine)
    assert evidence.upload_id is not None
    assert joined.upload_id is not None
    stored.abort_upload(evidence.object_key, upload_id=evidence.upload_id)
    parts = stored.list_parts(joined.object_key, upload_id=joined.upload_id)
    stored.complete_upload(joined.object_key, upload_id=joined.upload_id, parts=parts)  # and then the site died
    sweep(engine, stored, now=NOW + timedelta(minutes=59), go_on=nothing)
    assert row(engine, Evidence, evidence.id).state == "uploading"
    sweep(engine, stored, now=NOW + timedelta(hours=2), go_on=nothing)
    assert row(engine, Evidence, evidence.id).reason["code"] == "upload-lost"
    assert candidate.post(f"/evidence/{joined.id}/complete").json()["state"] == "processing"


def test_uploads_that_nobody_knows_are_dropped_when_they_are_old(stored: Storage, engine: Engine) -> None:
    key = "e/nobody/knows/this"
    orphan = stored.create_upload(key, media_type="audio/flac")
    sweep(engine, stored, now=datetime.now(UTC) + timedelta(days=6), go_on=nothing)
    assert orphan in upload_ids(stored)
    sweep(engine, stored, now=datetime.now(UTC) + WEEK, go_on=nothing)
    assert orphan not in upload_ids(stored)


def test_an_upload_that_is_just_being_completed_keeps_its_object(
    candidate: Candidate, stored: Storage, engine: Engine
) -> None:
    evidence = begun(candidate, engine)
    with ThreadPoolExecutor(1) as other:
        with writing(engine) as session:
            complete = update(Evidence).where(col(Evidence.id) == evidence.id)
            session.connection().execute(complete.values(state=EvidenceState.PROCESSING))
            sweeping = other.submit(sweep, engine, stored, now=NOW + WEEK, go_on=nothing)
            until_somebody_waits(engine)
        sweeping.result(timeout=20)
    with reading(engine) as session:
        assert session.exec(select(Job.id).where(col(Job.id).startswith(f"erase:{evidence.id}"))).all() == []
    assert row(engine, Evidence, evidence.id).state is EvidenceState.PROCESSING
