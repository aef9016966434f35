"""Deleting what attempts have stored and nobody shows: those that were killed in the middle, or replaced."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.evidence.adding import prefix_of
from app.evidence.models import Evidence, Rendition
from app.evidence.processing import Key, tidy_later
from app.evidence.states import StageName
from app.jobs.catalog import CONVERT, CONVERT_PIECES, INSPECT, JOIN_PIECES, SCAN
from app.jobs.models import Job, JobState
from app.storage.client import Storage

SECOND_LOOK = timedelta(hours=1)  # after an attempt that was only frozen has surely stopped
# What lies under the folder of an evidence beside the original, by the stage that stores it.
# The jobs of a stage, where it has others than the one of its name.
DONE_BY = {
    StageName.INSPECT: (INSPECT.act, SCAN.act),
    StageName.EXTRACT: (INSPECT.act, SCAN.act),
    StageName.CONVERT: (CONVERT.act, CONVERT_PIECES.act, JOIN_PIECES.act),
}
STORED_AS = {
    StageName.INSPECT: (StageName.INSPECT.value, StageName.SCAN.value),
    StageName.CONVERT: (StageName.CONVERT.value, "pieces"),
}


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
    """Say whether a job of this stage, whichever generation it is of, may still publish what it has stored."""
    doing = DONE_BY.get(stage, (stage.value,))
    is_open = (col(Job.state).in_([JobState.TODO, JobState.DOING]), col(Job.name).startswith("evidence."))
    ids = session.exec(select(Job.id).where(*is_open, col(Job.id).contains(str(evidence_id))))
    return any(job_id.partition(":")[0] in doing for job_id in ids)


def _shown(session: Session, evidence_id: UUID) -> set[str]:
    return set(session.exec(select(Rendition.object_key).where(col(Rendition.evidence_id) == evidence_id)))
