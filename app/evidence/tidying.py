"""Deleting what attempts have stored and nobody shows: those that were killed in the middle, or replaced."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.evidence.adding import prefix_of
from app.evidence.models import Evidence, EvidenceStage, Rendition
from app.evidence.processing import Key, tidy_later
from app.evidence.stages import ENDED
from app.evidence.states import EvidenceState, StageName
from app.jobs.models import Job, JobState
from app.storage.client import Storage

SECOND_LOOK = timedelta(hours=1)  # after an attempt that was only frozen has surely stopped
# What lies under the folder of an evidence beside the original, by the stage that stores it.
STORED_AS = {StageName.CONVERT: (StageName.CONVERT.value, "pieces")}


def tidy(engine: Engine, storage: Storage, *, key: Key, stage: StageName, look: int, now: datetime) -> int:
    """Delete the leftovers of a stage that is over; how many. Left alone while an attempt at it may yet publish.

    First the objects are listed, then the rows are read: what an attempt stores that begins after that is not listed.
    When there was something, somebody died here or was frozen: a second look follows. Raises Unavailable.
    """
    with reading(engine) as session:
        evidence = session.get(Evidence, key.evidence_id)
        folder = prefix_of(evidence.organisation_id, evidence.id) if evidence else None
    if folder is None:
        return 0  # it was removed, with all its objects
    names = STORED_AS.get(stage, (stage.value,))
    stored = [found for name in names for found in storage.keys(f"{folder}{name}-")]
    with reading(engine) as session:
        if _is_under_way(session, key.evidence_id, stage):
            return 0
        left = set(stored) - _shown(session, key.evidence_id)
    for leftover in sorted(left):
        storage.delete(leftover)
    if left and look == 1:
        with writing(engine) as session:
            tidy_later(session, key, stage, now=now, look=2, run_at=now + SECOND_LOOK)
    return len(left)


def _is_under_way(session: Session, evidence_id: UUID, stage: StageName) -> bool:
    evidence = session.get(Evidence, evidence_id)
    if evidence is None:
        return False
    if stage is StageName.CONVERT and evidence.state is EvidenceState.PROCESSING:  # it may be several jobs
        row = session.get(EvidenceStage, (evidence_id, stage))
        return row is not None and row.state not in ENDED
    job = session.get(Job, f"{stage}:{evidence_id}:{evidence.generation}")
    return job is not None and job.state in {JobState.TODO, JobState.DOING}


def _shown(session: Session, evidence_id: UUID) -> set[str]:
    return set(session.exec(select(Rendition.object_key).where(col(Rendition.evidence_id) == evidence_id)))
