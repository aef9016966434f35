"""Taking evidence out again, and trying anew what failed on our side."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, update
from sqlmodel import Session, col

from app.actor import Actor
from app.db.engine import writing
from app.db.locking import locked
from app.errors import Conflict, NotFound
from app.evidence import processing, stages
from app.evidence.adding import prefix_of, record
from app.evidence.models import Evidence, EvidenceStage, Rendition, Submission, Transcript, TranscriptChunk
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceState, SubmissionState
from app.evidence.submissions import REMOVED, own_for_changes
from app.jobs.catalog import ERASE_OBJECTS
from app.jobs.service import cancel, enqueue, set_aside
from app.storage.client import Storage

SECOND_LOOK = timedelta(hours=1)  # after a worker that was in the middle of it has surely stopped
REMOVED_BY_CANDIDATE = Reason(REMOVED, "You removed this evidence.")
DERIVED = (Rendition, Transcript, TranscriptChunk)
RETRIES_IN = frozenset({SubmissionState.DRAFT, SubmissionState.PROCESSING, SubmissionState.RETURNED})


def remove(session: Session, *, actor: Actor, evidence: Evidence, now: datetime) -> None:
    """Take an evidence out while its submission is open; its objects are deleted by a job. NotFound when it is out.

    One that was in a manifest stays as `erased`: its digest is in a receipt. Others leave no row.
    """
    own_for_changes(session, actor=actor, submission_id=evidence.submission_id)
    if locked(session, Evidence, evidence.id) is None:
        raise NotFound("There is no such evidence.")  # somebody was quicker
    cancel(session, _jobs_of(evidence), now=now)
    erase_later(session, evidence, now)
    for table in DERIVED:
        session.connection().execute(delete(table).where(col(table.evidence_id) == evidence.id))
    if evidence.frozen:
        evidence.state, evidence.reason = EvidenceState.ERASED, REMOVED_BY_CANDIDATE.to_json()
        session.add(evidence)
    else:
        session.connection().execute(delete(EvidenceStage).where(col(EvidenceStage.evidence_id) == evidence.id))
        session.delete(evidence)
    record(session, evidence, "evidence.removed", actor=actor, now=now, sha256=evidence.sha256)


def _jobs_of(evidence: Evidence) -> list[str]:
    generations = range(1, evidence.generation + 1)
    return [f"{act}:{evidence.id}:{number}" for number in generations for act in ("inspect", "convert", "transcribe")]


def erase_later(session: Session, evidence: Evidence, now: datetime) -> None:
    """Write two jobs: one for now, and one for what a running worker may still have put there."""
    upload_id = evidence.upload_id or "" if evidence.state is EvidenceState.UPLOADING else ""
    for look, run_at in (("first", now), ("second", now + SECOND_LOOK)):
        _enqueue(session, evidence, look=look, upload_id=upload_id, now=now, run_at=run_at)


def discard(engine: Engine, evidence: Evidence, *, now: datetime) -> None:
    """Let a worker delete the objects of an evidence that has no row (any more). The site itself may delete none."""
    with writing(engine) as session:
        _enqueue(session, evidence, look="discarded", upload_id="", now=now, run_at=now)


def _enqueue(
    session: Session, evidence: Evidence, *, look: str, upload_id: str, now: datetime, run_at: datetime
) -> None:
    args: dict[str, str | int] = {
        "prefix": prefix_of(evidence.organisation_id, evidence.id),
        "key": evidence.object_key,
        "upload_id": upload_id,
    }
    enqueue(session, ERASE_OBJECTS, job_id=f"erase:{evidence.id}:{look}", args=args, now=now, run_at=run_at)


def erase_objects(storage: Storage, *, prefix: str, key: str, upload_id: str) -> None:
    """Do the job `evidence.erase-objects`: drop an unfinished upload, and every object of an evidence."""
    if upload_id:
        storage.abort_upload(key, upload_id=upload_id)
    storage.delete_all(prefix)


def retry(session: Session, *, actor: Actor, evidence: Evidence, submission: Submission, now: datetime) -> None:
    """Start the pipeline of a failed evidence again. Conflict when it did not fail or its time is over."""
    failed = (col(Evidence.id) == evidence.id, col(Evidence.state) == EvidenceState.FAILED)
    if submission.state not in RETRIES_IN:
        raise Conflict("This submission was sent. Its evidence can't be changed any more.", code="not-open")
    again = session.connection().execute(
        update(Evidence)
        .where(*failed)
        .values(state=EvidenceState.PROCESSING, generation=Evidence.generation + 1, reason=None)
    )
    session.refresh(evidence)
    if again.rowcount != 1:
        raise Conflict("Only evidence that failed on our side can be tried again.", code="not-failed")
    set_aside(session, about=str(evidence.id))
    stages.restart(session, evidence, now=now)
    record(session, evidence, "evidence.retried", actor=actor, now=now, generation=evidence.generation)
    processing.start(session, evidence, now=now)
