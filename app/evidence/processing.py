"""What the pipeline writes: an evidence inspected, published, ready, rejected, failed or damaged.

Each function belongs into the write unit of the job that learnt it (`Run.saving` or `Run.finishing`), and does
nothing when the evidence has moved on: removed, erased, or started anew (another generation).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.audit.service import append
from app.db.locking import locked
from app.evidence.models import Evidence, EvidenceStage, Rendition, Submission
from app.evidence.reasons import Reason
from app.evidence.settling import settle
from app.evidence.stages import ENDED, mark
from app.evidence.states import EvidenceKind, EvidenceState, RenditionKind, StageName, StageState
from app.jobs.catalog import CONVERT, INSPECT, SCAN, TIDY, TRANSCRIBE, JobKind
from app.jobs.service import enqueue

E = EvidenceState
UNFINISHED = frozenset({E.UPLOADING})
WAITING = frozenset({E.PROCESSING})
SHOWN = frozenset({E.PROCESSING, E.READY})  # a transcript may come late, or again
NOT_SCANNED = "not-scanned"
NO_TRANSCRIPT = Reason("no-transcript", "There is no automatic transcript of this recording. It can be judged without.")


@dataclass(frozen=True, slots=True)
class Key:
    """Which run of which evidence a job belongs to; a retry is a new generation."""

    evidence_id: UUID
    generation: int

    def to_args(self) -> dict[str, str | int]:
        """Return the arguments of a job."""
        return {"evidence_id": str(self.evidence_id), "generation": self.generation}

    @classmethod
    def from_args(cls, args: dict[str, Any]) -> "Key":
        """Read the arguments of a job."""
        return cls(UUID(args["evidence_id"]), int(args["generation"]))


@dataclass(frozen=True, slots=True)
class Inspected:
    """What inspection found out. `sha256` is the value that counts; `warnings` are codes for candidate and assessor."""

    sha256: str
    size_bytes: int
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    words: int | None = None
    probe: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A derived file that lies in the storage already."""

    kind: RenditionKind
    media_type: str
    object_key: str
    size_bytes: int
    sha256: str


def start(session: Session, evidence: Evidence, *, now: datetime) -> None:
    """Let the pipeline look at an evidence whose bytes are all there (state `processing`)."""
    _enqueue(session, INSPECT, Key(evidence.id, evidence.generation), now=now)


def current(session: Session, key: Key, *, states: Collection[EvidenceState] = WAITING) -> Evidence | None:
    """Return the evidence if it still waits for this job, locked with its submission until the unit ends; else None."""
    found = locked_evidence(session, key.evidence_id)
    if found is None or found.generation != key.generation or found.state not in states:
        return None
    return found


def locked_evidence(session: Session, evidence_id: UUID) -> Evidence | None:
    """Lock the submission first, as its candidate's acts do."""
    submission_id = session.exec(select(Evidence.submission_id).where(Evidence.id == evidence_id)).first()
    if submission_id is None:
        return None
    locked(session, Submission, submission_id)
    return locked(session, Evidence, evidence_id)


def inspected(session: Session, key: Key, found: Inspected, *, now: datetime, scan: bool = False) -> None:
    """Record what inspection found. It goes on with the virus scan; without one that is said, and `go_on`."""
    evidence = current(session, key)
    if evidence is None:
        return
    evidence.sha256, evidence.size_bytes = found.sha256, found.size_bytes
    evidence.duration_ms, evidence.width, evidence.height = found.duration_ms, found.width, found.height
    evidence.words, evidence.probe = found.words, found.probe
    evidence.warnings = [*found.warnings, *([] if scan else [NOT_SCANNED])]
    session.add(evidence)
    mark(session, evidence.id, StageName.INSPECT, now=now, state=StageState.DONE)
    record(session, evidence, "evidence.inspected", now=now, body={"sha256": found.sha256})
    mark(session, evidence.id, StageName.SCAN, now=now, state=StageState.WAITING if scan else StageState.SKIPPED)
    if scan:
        _enqueue(session, SCAN, key, now=now)
    else:
        go_on(session, evidence, now=now)


def go_on(session: Session, evidence: Evidence, *, now: datetime) -> None:
    """Let a recording be converted; a document is read by the job that learnt that it may be."""
    if evidence.kind in {EvidenceKind.VIDEO, EvidenceKind.AUDIO}:
        _enqueue(session, CONVERT, Key(evidence.id, evidence.generation), now=now)


def publish(session: Session, key: Key, made: Collection[Made]) -> None:
    """Show derived files, in place of those of an earlier run; nothing when the evidence has moved on."""
    if current(session, key, states=SHOWN) is None:
        return
    mine = (col(Rendition.evidence_id) == key.evidence_id, col(Rendition.kind).in_([one.kind for one in made]))
    session.connection().execute(delete(Rendition).where(*mine))
    for one in made:
        session.add(
            Rendition(
                evidence_id=key.evidence_id,
                kind=one.kind,
                media_type=one.media_type,
                object_key=one.object_key,
                size_bytes=one.size_bytes,
                sha256=one.sha256,
            )
        )
    session.flush()


def heard(
    session: Session, key: Key, *, silences: list[dict[str, int]], warnings: Collection[str], now: datetime
) -> None:
    """Record what the first pass measured; transcription may begin now."""
    evidence = current(session, key)
    if evidence is None:
        return
    evidence.silences = silences
    evidence.warnings = sorted({*evidence.warnings, *warnings})
    session.add(evidence)
    _enqueue(session, TRANSCRIBE, key, now=now)


def hear_again(session: Session, key: Key, *, now: datetime) -> None:
    """Let transcription begin on the sound that an earlier attempt, or an earlier generation, has made."""
    if current(session, key) is not None:
        _enqueue(session, TRANSCRIBE, key, now=now)


def converted(session: Session, key: Key, *, now: datetime) -> None:
    """Record that people can play it: the submission may be judged from now on."""
    evidence = current(session, key)
    if evidence is None:
        return
    mark(session, evidence.id, StageName.CONVERT, now=now, state=StageState.DONE)
    preview = (col(Rendition.evidence_id) == evidence.id, col(Rendition.kind) == RenditionKind.PREVIEW)
    session.connection().execute(delete(Rendition).where(*preview))  # the playable takes its place
    tidy_later(session, key, StageName.CONVERT, now=now)
    _ready_if_complete(session, evidence, now=now)
    settle(session, session.get_one(Submission, evidence.submission_id), now=now)


def read(session: Session, key: Key, made: Made, *, now: datetime) -> None:
    """Record that a document was read: its text can be judged."""
    evidence = current(session, key)
    if evidence is None:
        return
    publish(session, key, [made])
    mark(session, evidence.id, StageName.EXTRACT, now=now, state=StageState.DONE)
    tidy_later(session, key, StageName.INSPECT, now=now)
    change(session, evidence, E.READY, now=now)
    settle(session, session.get_one(Submission, evidence.submission_id), now=now)


def transcribed(
    session: Session,
    key: Key,
    *,
    state: StageState,
    now: datetime,
    message: Reason | None = None,
    warnings: Collection[str] = (),
) -> None:
    """Record that transcription is over: done, skipped (nothing to hear) or failed. It never holds the work up."""
    evidence = current(session, key, states=SHOWN)
    if evidence is None:
        return
    mark(session, evidence.id, StageName.TRANSCRIBE, now=now, state=state, message=message)
    tidy_later(session, key, StageName.TRANSCRIBE, now=now)
    evidence.warnings = sorted({*evidence.warnings, *warnings, *([message.code] if message else [])})
    session.add(evidence)
    _ready_if_complete(session, evidence, now=now)


def rejected(session: Session, key: Key, stage: StageName, reason: Reason, *, now: datetime) -> None:
    """End an evidence because of its file; a sent submission goes back to its candidate."""
    _end(session, key, E.REJECTED, stage, reason, now=now)


def failed(session: Session, key: Key, stage: StageName, reason: Reason, *, now: datetime) -> None:
    """End an evidence because of us, after all tries; its candidate may try again."""
    _end(session, key, E.FAILED, stage, reason, now=now)


def abandoned(session: Session, key: Key, reason: Reason, *, now: datetime) -> None:
    """End an evidence whose upload will never be finished."""
    _end(session, key, E.REJECTED, StageName.INSPECT, reason, now=now, states=UNFINISHED)


def _end(
    session: Session,
    key: Key,
    state: EvidenceState,
    stage: StageName,
    reason: Reason,
    *,
    now: datetime,
    states: Collection[EvidenceState] = WAITING,
) -> None:
    evidence = current(session, key, states=states)
    if evidence is None:
        return
    mark(session, evidence.id, stage, now=now, state=StageState.FAILED, message=reason)
    tidy_later(session, key, stage, now=now)
    if state is E.REJECTED:  # a failed one may be tried again: its stages wait
        _skip_the_rest(session, evidence, now=now)
    change(session, evidence, state, now=now, reason=reason)
    settle(session, session.get_one(Submission, evidence.submission_id), now=now)


def tidy_later(
    session: Session, key: Key, stage: StageName, *, now: datetime, look: int = 1, run_at: datetime | None = None
) -> None:
    """Have the objects deleted that attempts at a stage have stored and nobody shows, once it is over.

    A job of its own, written in the unit that ends the stage: a worker that is killed right after leaves nothing.
    """
    job_id = f"tidy:{stage}:{key.evidence_id}:{key.generation}:{look}"
    enqueue(
        session, TIDY, job_id=job_id, args={**key.to_args(), "stage": stage.value, "look": look}, now=now, run_at=run_at
    )


def _ready_if_complete(session: Session, evidence: Evidence, *, now: datetime) -> None:
    """Make the evidence ready once it plays and its transcription is over, whichever comes last."""
    if evidence.state is not E.PROCESSING:
        return
    stages = {row.name: row.state for row in session.exec(_stages(evidence.id))}
    if stages[StageName.CONVERT] is StageState.DONE and stages[StageName.TRANSCRIBE] in ENDED:
        change(session, evidence, E.READY, now=now)


def _skip_the_rest(session: Session, evidence: Evidence, *, now: datetime) -> None:
    for row in list(session.exec(_stages(evidence.id))):
        if row.state not in ENDED:
            mark(session, evidence.id, row.name, now=now, state=StageState.SKIPPED)


def _stages(evidence_id: UUID) -> Any:
    return select(EvidenceStage).where(EvidenceStage.evidence_id == evidence_id)


def change(
    session: Session,
    evidence: Evidence,
    state: EvidenceState,
    *,
    now: datetime,
    reason: Reason | None = None,
    action: str | None = None,
    **facts: Any,
) -> None:
    """Move a locked evidence to another state and record it, with further `facts`."""
    session.flush()
    before = evidence.state
    session.connection().execute(
        update(Evidence)
        .where(col(Evidence.id) == evidence.id, col(Evidence.state) == before)
        .values(state=state, reason=reason.to_json() if reason else None)
    )
    session.refresh(evidence)
    body = {"from": before.value, "to": state.value, **({"reason": reason.code} if reason else {}), **facts}
    record(session, evidence, action or f"evidence.{state.value}", now=now, body=body)


def record(session: Session, evidence: Evidence, action: str, *, now: datetime, body: dict[str, Any]) -> None:
    append(
        session,
        action=action,
        subject=f"evidence:{evidence.id}",
        now=now,
        organisation_id=evidence.organisation_id,
        body=body,
    )


def _enqueue(session: Session, kind: JobKind, key: Key, *, now: datetime) -> None:
    enqueue(session, kind, job_id=f"{kind.act}:{key.evidence_id}:{key.generation}", args=key.to_args(), now=now)
