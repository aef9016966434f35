"""Uploads that nobody finishes are dropped after a week, and their candidates are told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from sqlmodel import col, select

from app.db.engine import reading, writing
from app.evidence.expiring import sweep
from app.evidence.models import Evidence, Submission, TextDraft
from app.evidence.removing import erase_objects
from app.evidence.states import EvidenceState, SubmissionState
from app.jobs import embedded
from app.jobs.catalog import PERIODIC, SWEEP_UPLOADS
from app.jobs.engine import Work, execute, tick
from app.jobs.models import Job, JobState, Queue
from app.settings import Settings
from app.storage.client import Storage
from tests.conftest import NOW, Clock
from tests.evidence.conftest import Candidate, put, row
from tests.races import until_somebody_waits
from workers.bench import Bench
from workers.evidence.originals import Originals
from workers.handlers import handler_of, when_failed
from workers.media.tools import open_tools
from workers.speech.client import SpeechOptions
from workers.transcribers import Transcribers

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


def test_the_job_that_comes_round_drops_the_old_one_and_its_candidate_begins_anew(
    candidate: Candidate, stored: Storage, engine: Engine, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    old = begun(candidate, engine)
    clock.forward(days=6)
    live = candidate.audio(str(old.submission_id), size_bytes=5)
    with writing(engine) as session:
        session.add(TextDraft(submission_id=old.submission_id, text="Still open.", language="ar", updated_at=clock.now))
    clock.forward(days=1, minutes=1)
    do_what_is_due(a_bench(settings, engine, stored, clock, tmp_path))
    states = {
        each["id"]: each["state"] for each in candidate.get(f"/submissions/{old.submission_id}").json()["evidence"]
    }
    assert states == {str(old.id): "rejected", live["id"]: "uploading"}
    assert candidate.post(f"/evidence/{old.id}/complete").json()["reason"]["code"] == "upload-expired"
    (part,) = candidate.sign(live["id"], [1])
    assert put(part, b"sound") == 200
    assert candidate.post(f"/evidence/{live['id']}/complete").json()["state"] == "processing"
    assert candidate.upload(str(old.submission_id), b"sound"), "the dropped one takes no place"
    assert row(engine, TextDraft, old.submission_id).text == "Still open."


def a_bench(settings: Settings, engine: Engine, stored: Storage, clock: Clock, folder: Path) -> Bench:
    return Bench(
        settings=settings,
        engine=engine,
        storage=stored,
        tools=open_tools(sandbox="off", cache=folder),
        transcribers=Transcribers(SpeechOptions(), count=1),
        folder=folder,
        originals=Originals(folder),
        stopping=Event(),
        clock=clock,
    )


def do_what_is_due(bench: Bench) -> None:
    """Write the periodic job and do it, as a worker does whose clock is the test's."""
    name = SWEEP_UPLOADS.name
    tick(bench.engine, {name: PERIODIC[name]})
    with reading(bench.engine) as session:
        job = session.exec(select(Job).where(Job.name == name)).one()
    with writing(bench.engine) as session:
        session.get_one(Job, job.id).run_at = NOW - WEEK  # due by every clock
        others = session.exec(select(Job).where(Job.name != name)).all()
        for other in others:
            other.state = JobState.DONE
    taken = embedded.take(bench.engine, Queue.QUICK)
    assert taken is not None
    handler = partial(handler_of(name) or nothing, bench)
    execute(Work(bench.engine, [Queue.QUICK], 1, lambda _job: handler, when_failed), taken)
    assert row(bench.engine, Job, job.id).state is JobState.DONE


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        (SubmissionState.RETURNED, True),
        (SubmissionState.PROCESSING, True),
        (SubmissionState.READY, False),
        (SubmissionState.WITHDRAWN, False),
        (SubmissionState.FINALISED, False),
    ],
)
def test_a_text_that_was_never_added_goes_with_the_end_of_its_submission(
    candidate: Candidate, stored: Storage, engine: Engine, state: SubmissionState, stays: bool
) -> None:
    submission_id = UUID(candidate.submission())
    body = {"text": "Never added.", "language": "ar", "version": 0}
    path = f"/api/v1/submissions/{submission_id}/text-draft"
    assert candidate.client.put(path, json=body, headers=candidate.headers).status_code == 200
    with writing(engine) as session:
        session.get_one(Submission, submission_id).state = state
    sweep(engine, stored, now=NOW, go_on=nothing)
    assert (row(engine, TextDraft, submission_id) is not None) is stays


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
