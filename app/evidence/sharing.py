"""The picture of a long video is converted by several jobs, on any workers; the last one has the pieces joined."""

from datetime import datetime

from sqlmodel import Session, col, select

from app.evidence.processing import Key, current
from app.jobs.catalog import CONVERT_PIECES, JOIN_PIECES
from app.jobs.models import Job, JobState
from app.jobs.service import enqueue


def share_out(session: Session, key: Key, *, jobs: int, now: datetime) -> None:
    """Write so many jobs, each for a run of the pieces."""
    if current(session, key) is None:
        return
    for share in range(jobs):
        args = {**key.to_args(), "share": share, "jobs": jobs}
        enqueue(session, CONVERT_PIECES, job_id=f"{_jobs_of(key)}{share}", args=args, now=now)


def pieces_done(session: Session, key: Key, *, now: datetime) -> None:
    """Have the pieces joined once the last of their jobs is done; in the unit that ends one of them.

    The evidence is locked first, so that of two jobs which end together the second sees that it is the last.
    """
    if current(session, key) is None:
        return
    is_open = (col(Job.id).startswith(_jobs_of(key)), col(Job.state) != JobState.DONE)
    if session.exec(select(Job.id).where(*is_open)).first() is None:
        job_id = f"{JOIN_PIECES.act}:{key.evidence_id}:{key.generation}"
        enqueue(session, JOIN_PIECES, job_id=job_id, args=key.to_args(), now=now)


def shared_progress(session: Session, key: Key) -> float:
    """Return how far the jobs are together, from 0 to 1."""
    shares: list[float] = list(session.exec(select(Job.progress).where(col(Job.id).startswith(_jobs_of(key)))))
    return sum(shares) / max(1, len(shares))


def _jobs_of(key: Key) -> str:
    return f"{CONVERT_PIECES.act}:{key.evidence_id}:{key.generation}:"
