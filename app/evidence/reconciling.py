"""Evidence that waits for a job which will never come: found every few minutes, and started again or ended.

It should not happen, since jobs are written with what they are about. It did when a database was restored, when the
people concerned could not be told of a failure, or by a bug: then nobody must wait for ever.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence
from app.evidence.processing import NO_TRANSCRIPT, Key
from app.evidence.reasons import Reason
from app.evidence.stages import ENDED
from app.evidence.states import EvidenceState, StageName, StageState
from app.jobs.catalog import CONVERT, CONVERT_PIECES, INSPECT, JOIN_PIECES, SCAN
from app.jobs.models import Job, JobState
from app.jobs.service import set_aside

GRACE = timedelta(minutes=5)  # what has just changed hands is not looked at
MOST_GENERATIONS = 5
PREPARING = (INSPECT, SCAN, CONVERT, CONVERT_PIECES, JOIN_PIECES)
OUR_FAULT = Reason(
    "processing-failed",
    "We could not process this file, and that is our fault, not yours. Try again; nothing was lost. "
    "If it fails once more, replace the file.",
)


def reconcile(engine: Engine, *, now: datetime, go_on: Callable[[], None]) -> list[UUID]:
    """Start again, or end, all evidence that is being processed by no job; which. `go_on` may raise, to stop."""
    with reading(engine) as session:
        stuck = _without_job(session, now)
    for key in stuck:
        go_on()
        with writing(engine) as session:
            _help(session, key, now=now)
    return [key.evidence_id for key in stuck]


def _without_job(session: Session, now: datetime) -> list[Key]:
    waiting = session.exec(select(Evidence).where(col(Evidence.state) == EvidenceState.PROCESSING)).all()
    if not waiting:
        return []
    open_jobs = select(Job.args).where(
        col(Job.state).in_([JobState.TODO, JobState.DOING]), col(Job.name).startswith("evidence.")
    )
    served = {args.get("evidence_id") for args in session.exec(open_jobs)}
    keys = [Key(each.id, each.generation) for each in waiting if str(each.id) not in served]
    return [key for key in keys if _is_still(session, key, now)]


def _is_still(session: Session, key: Key, now: datetime) -> bool:
    """Say whether nothing has happened to it for a while: no stage has changed."""
    latest = max((row.changed for row in stages.stages(session, key.evidence_id)), default=0)
    return latest <= (now - GRACE).timestamp() * stages.MICROSECOND


def _help(session: Session, key: Key, *, now: datetime) -> None:
    """Begin anew; a recording that plays only lacks its words. What was begun anew too often has failed."""
    evidence = processing.current(session, key)
    if evidence is None:
        return
    todo = next((row for row in stages.stages(session, key.evidence_id) if row.state not in ENDED), None)
    if todo is not None and todo.name is StageName.TRANSCRIBE:
        processing.transcribed(session, key, state=StageState.FAILED, now=now, message=NO_TRANSCRIPT)
    elif evidence.generation >= MOST_GENERATIONS or _has_failed(session, key):
        stage = todo.name if todo else StageName.INSPECT
        processing.failed(session, key, stage, OUR_FAULT, now=now)
    else:
        begin_anew(session, evidence, now=now)


def _has_failed(session: Session, key: Key) -> bool:
    """Say whether a job was given up and nobody could be told."""
    mine = col(Job.id).contains(f":{key.evidence_id}:{key.generation}")
    failed = (Job.state == JobState.FAILED, mine, col(Job.name).in_([kind.name for kind in PREPARING]))
    return session.exec(select(Job.id).where(*failed)).first() is not None


def begin_anew(session: Session, evidence: Evidence, *, now: datetime) -> None:
    """Let the pipeline begin again with an evidence that is being processed: a new generation of its jobs."""
    evidence.generation += 1
    session.add(evidence)
    stages.restart(session, evidence, now=now)
    facts = {"generation": evidence.generation}
    processing.record(session, evidence, "evidence.begun-anew", now=now, body=facts)
    processing.start(session, evidence, now=now)


def retry_failed_evidence(session: Session, *, now: datetime) -> list[UUID]:
    """Begin again with all evidence that failed on our side: the operator's way, once the cause is mended.

    A submission that went back to its candidate stays with them: they see that the file is ready, and send it again.
    """
    failed = session.exec(select(Evidence.id).where(col(Evidence.state) == EvidenceState.FAILED)).all()
    begun = []
    for evidence_id in failed:
        evidence = processing.locked_evidence(session, evidence_id)
        if evidence is None or evidence.state is not EvidenceState.FAILED:
            continue
        set_aside(session, about=str(evidence_id))
        processing.change(session, evidence, EvidenceState.PROCESSING, now=now, action="evidence.retried")
        begin_anew(session, evidence, now=now)
        begun.append(evidence_id)
    return begun
