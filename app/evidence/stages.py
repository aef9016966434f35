"""The stages of one evidence: made at the start, all waiting, and marked while the pipeline works.

`EvidenceStage.changed` is the id of the event stream. It counts microseconds and always grows within a submission, so
that a browser which comes back with the last id that it saw misses nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.errors import NotFound
from app.evidence.models import Evidence, EvidenceStage
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceKind, StageName, StageState

MEDIA_STAGES = (StageName.INSPECT, StageName.SCAN, StageName.CONVERT, StageName.TRANSCRIBE)
TEXT_STAGES = (StageName.INSPECT, StageName.SCAN, StageName.EXTRACT)
ENDED = frozenset({StageState.DONE, StageState.SKIPPED, StageState.FAILED})
MICROSECOND = 1_000_000


def stages_of_kind(kind: EvidenceKind) -> tuple[StageName, ...]:
    """Return the stages that evidence of this kind goes through, in order."""
    return MEDIA_STAGES if kind in {EvidenceKind.VIDEO, EvidenceKind.AUDIO} else TEXT_STAGES


def begin(session: Session, evidence: Evidence, *, now: datetime, skipped: Iterable[StageName] = ()) -> None:
    """Make all stages of a new evidence, waiting; `skipped` ones will never run."""
    first = _next_change(session, evidence.submission_id, now)
    left_out = frozenset(skipped)
    for position, name in enumerate(stages_of_kind(evidence.kind)):
        session.add(
            EvidenceStage(
                evidence_id=evidence.id,
                name=name,
                position=position,
                state=StageState.SKIPPED if name in left_out else StageState.WAITING,
                changed=first + position,
            )
        )
    session.flush()


def mark(
    session: Session,
    evidence_id: UUID,
    name: StageName,
    *,
    now: datetime,
    state: StageState | None = None,
    progress: float | None = None,
    message: Reason | None = None,
) -> None:
    """Record how far a stage is (`progress` 0 to 1). Starting counts a try; ending sets the time. NotFound if gone."""
    stage = session.get(EvidenceStage, (evidence_id, name))
    evidence = session.get(Evidence, evidence_id)
    if stage is None or evidence is None:
        raise NotFound("This evidence was removed.")
    if state is StageState.RUNNING and stage.state is not StageState.RUNNING:
        stage.tries, stage.started_at, stage.ended_at, stage.progress = stage.tries + 1, now, None, 0.0
    if state in ENDED:
        stage.ended_at = now
    stage.state = state or stage.state
    stage.progress = 1.0 if state is StageState.DONE else stage.progress if progress is None else progress
    stage.message = None if message is None else message.to_json()
    stage.changed = _next_change(session, evidence.submission_id, now)
    session.add(stage)
    session.flush()


def restart(session: Session, evidence: Evidence, *, now: datetime) -> None:
    """Put every stage that ran back to waiting, for a deliberate new try."""
    first = _next_change(session, evidence.submission_id, now)
    for stage in stages(session, evidence.id):
        if stage.state is not StageState.SKIPPED:
            stage.state, stage.progress, stage.message = StageState.WAITING, 0.0, None
            stage.started_at = stage.ended_at = None
            stage.changed = first + stage.position
            session.add(stage)
    session.flush()


def stages(session: Session, evidence_id: UUID) -> list[EvidenceStage]:
    """Return the stages of an evidence in order."""
    wanted = select(EvidenceStage).where(EvidenceStage.evidence_id == evidence_id)
    return list(session.exec(wanted.order_by(col(EvidenceStage.position))))


def is_inspected(session: Session, evidence_id: UUID) -> bool:
    """Say whether the inspection of an evidence is over and went well."""
    stage = session.get(EvidenceStage, (evidence_id, StageName.INSPECT))
    return stage is not None and stage.state is StageState.DONE


def _next_change(session: Session, submission_id: UUID, now: datetime) -> int:
    """Return a number above all earlier ones of the submission: the time, or one more when clocks differ."""
    session.flush()
    largest: Any = session.exec(
        select(func.max(EvidenceStage.changed))
        .join(Evidence, col(Evidence.id) == col(EvidenceStage.evidence_id))
        .where(Evidence.submission_id == submission_id)
    ).one()
    return max(int(now.timestamp() * MICROSECOND), (largest or 0) + 1)
