"""What the candidate's pages show of a submission and its evidence."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor
from app.errors import NotFound
from app.evidence.models import Evidence, EvidenceStage, Receipt, Rendition, Submission, SubmissionConsent, Transcript
from app.evidence.states import (
    EvidenceKind,
    EvidenceState,
    RenditionKind,
    StageName,
    StageState,
)
from app.evidence.submissions import OPEN_FOR_CHANGES, evidence_of, own
from app.frameworks.rubric import Consent, Rubric


@dataclass(frozen=True, slots=True)
class StageRow:
    """One step of the pipeline. `progress` is 0 to 1."""

    name: StageName
    state: StageState
    progress: float
    message: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence as its candidate sees it. `checked`: nothing stands against sending it."""

    id: UUID
    submission_id: UUID
    number: int
    kind: EvidenceKind
    name: str
    media_type: str
    state: EvidenceState
    size_bytes: int | None
    duration_ms: int | None
    words: int | None
    sha256: str | None
    reason: dict[str, Any] | None
    warnings: list[str]
    stages: list[StageRow]
    playable: bool
    preview: bool
    poster: bool
    captions: bool
    language: str
    removable: bool
    part_size_bytes: int | None
    part_count: int | None
    edges_sha256: str | None
    client_sha256: str | None
    storage_etag: str | None

    @property
    def checked(self) -> bool:
        if self.state is EvidenceState.READY:
            return True
        inspected = any(each.name is StageName.INSPECT and each.state is StageState.DONE for each in self.stages)
        return self.state is EvidenceState.PROCESSING and inspected

    @property
    def same_here(self) -> bool:
        """Whether the browser of the candidate computed the digest that our worker found."""
        return self.sha256 is not None and self.sha256 == self.client_sha256

    @property
    def running(self) -> StageRow | None:
        """The stage that is at work, else the next one that waits."""
        busy = [stage for stage in self.stages if stage.state is StageState.RUNNING]
        waiting = [stage for stage in self.stages if stage.state is StageState.WAITING]
        return next(iter(busy or waiting), None)

    @property
    def is_media(self) -> bool:
        return self.kind in (EvidenceKind.VIDEO, EvidenceKind.AUDIO)


@dataclass(frozen=True, slots=True)
class RowPage:
    """One row alone: what the page fetches again when something has changed."""

    row: EvidenceRow


@dataclass(frozen=True, slots=True)
class AskedConsent:
    """A consent that is asked for, and whether it was given before."""

    consent: Consent
    given: bool

    @property
    def field(self) -> str:
        """The name of its box in the form."""
        return f"consent:{self.consent.purpose}:{self.consent.version}"


def evidence_rows(session: Session, submission: Submission) -> list[EvidenceRow]:
    """Return the evidence of a submission in its order."""
    found = evidence_of(session, submission.id)
    ids = [each.id for each in found]
    stages, renditions = _stages(session, ids), _renditions(session, ids)
    languages = {row.evidence_id: row.language for row in _transcripts(session, ids)}
    removable = submission.state in OPEN_FOR_CHANGES
    return [
        EvidenceRow(
            id=each.id,
            submission_id=submission.id,
            number=number,
            kind=each.kind,
            name=each.name,
            media_type=each.media_type,
            state=each.state,
            size_bytes=each.size_bytes,
            duration_ms=each.duration_ms,
            words=each.words,
            sha256=each.sha256,
            reason=each.reason,
            warnings=each.warnings,
            stages=stages.get(each.id, []),
            playable=RenditionKind.PLAYABLE in renditions.get(each.id, set()),
            preview=RenditionKind.PREVIEW in renditions.get(each.id, set()),
            poster=RenditionKind.POSTER in renditions.get(each.id, set()),
            captions=each.id in languages,
            language=languages.get(each.id, each.language or submission.language),
            removable=removable,
            part_size_bytes=each.part_size_bytes,
            part_count=each.part_count,
            edges_sha256=each.edges_sha256,
            client_sha256=each.client_sha256,
            storage_etag=each.storage_etag,
        )
        for number, each in enumerate(found, 1)
    ]


def evidence_row(session: Session, actor: Actor, evidence_id: UUID) -> EvidenceRow:
    """Return one row of the candidate's own evidence."""
    evidence = session.get(Evidence, evidence_id)
    if evidence is not None:
        submission = own(session, actor=actor, submission_id=evidence.submission_id)
        for row in evidence_rows(session, submission):
            if row.id == evidence_id:
                return row
    raise NotFound("There is no such evidence.")


def _stages(session: Session, ids: list[UUID]) -> dict[UUID, list[StageRow]]:
    rows = session.exec(
        select(EvidenceStage).where(col(EvidenceStage.evidence_id).in_(ids)).order_by(col(EvidenceStage.position))
    )
    by_evidence: dict[UUID, list[StageRow]] = {}
    for row in rows:
        by_evidence.setdefault(row.evidence_id, []).append(StageRow(row.name, row.state, row.progress, row.message))
    return by_evidence


def _renditions(session: Session, ids: list[UUID]) -> dict[UUID, set[RenditionKind]]:
    rows = session.exec(select(Rendition).where(col(Rendition.evidence_id).in_(ids)))
    by_evidence: dict[UUID, set[RenditionKind]] = {}
    for row in rows:
        by_evidence.setdefault(row.evidence_id, set()).add(row.kind)
    return by_evidence


def _transcripts(session: Session, ids: list[UUID]) -> list[Transcript]:
    return list(session.exec(select(Transcript).where(col(Transcript.evidence_id).in_(ids))))


def asked_consents(session: Session, submission: Submission, rubric: Rubric) -> list[AskedConsent]:
    """Return the consents to ask for, with those that are in force already."""
    given = {
        (row.purpose, row.version)
        for row in session.exec(select(SubmissionConsent).where(SubmissionConsent.submission_id == submission.id))
        if row.withdrawn_at is None
    }
    return [AskedConsent(each, (each.purpose, each.version) in given) for each in rubric.asked_consents()]


def newest_receipt(session: Session, submission_id: UUID) -> Receipt | None:
    """Return the receipt of the last submit."""
    return session.exec(
        select(Receipt).where(Receipt.submission_id == submission_id).order_by(col(Receipt.submitted_at).desc())
    ).first()


def submissions_of(session: Session, actor: Actor) -> list[Submission]:
    """Return all submissions of a candidate in this organisation, the newest first."""
    return list(
        session.exec(
            select(Submission)
            .where(
                Submission.candidate_id == actor.person_id,
                Submission.organisation_id == actor.organisation_id,
            )
            .order_by(col(Submission.created_at).desc())
        )
    )
