"""What is on the table when somebody scores: evidence, criteria, gates and the draft, in the reader's language.

The assessor's workstation and the validator's blind step show the same; only who holds the lease differs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.assessments.service import Preview, preview
from app.evidence.adding import RECORDED
from app.evidence.models import Evidence, EvidenceStage, Rendition, Submission, Transcript
from app.evidence.phrases import phrases_of
from app.evidence.show import LISTED, time_text
from app.evidence.states import StageName, StageState
from app.evidence.submissions import evidence_of
from app.frameworks.rubric import VACS, Criterion, Rubric, rubric_of
from app.text import direction, in_language

UNSURE_BELOW = 0.5
SOON = timedelta(hours=1)  # a recording arrives while it is made, unless its device was offline


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds the work: a claim or a validation. `path` is its address in the API."""

    id: UUID
    path: str
    version: int
    expires_at: datetime
    seconds: int
    draft: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceTab:
    """One piece of evidence; `has` lists its renditions, and `transcript` or, while it is written, `transcribing`."""

    id: str
    number: int
    kind: str
    duration_ms: int | None
    words: int | None
    has: list[str]


@dataclass(frozen=True, slots=True)
class PhraseLine:
    """The words to listen for in a recording; `text` is None for a file that was uploaded: no phrase was drawn.

    `late_at`: when the recording began to arrive, where that was long after the draw.
    """

    evidence_id: str
    number: int
    text: str | None
    language: str
    direction: str
    drawn_at: datetime | None
    late_at: datetime | None


@dataclass(frozen=True, slots=True)
class GateLine:
    """One of the four questions and the answer so far."""

    code: str
    text: str
    answer: bool | None


@dataclass(frozen=True, slots=True)
class LevelText:
    """One level of one criterion."""

    value: int
    label: str
    descriptor: str


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """One criterion with what is scored so far. `hint_level` is the level that is explained before one is chosen."""

    code: str
    title: str
    critical: bool
    levels: list[LevelText]
    level: int | None
    note: str
    hint_level: int
    look_for: str | None
    carried: int | None


@dataclass(frozen=True, slots=True)
class Judging:
    """All that the three panes show, and `data` for their script."""

    lease_id: UUID
    rubric_title: str
    rubric_name: str
    reference: str
    attempt: int
    language: str
    text_direction: str
    evidence: list[EvidenceTab]
    warnings: list[str]
    identity: str
    other_people: int | None
    recorded: bool
    phrases: list[PhraseLine]
    gates: list[GateLine]
    criteria: list[CriterionLine]
    message: str
    data: dict[str, Any]

    @property
    def gates_answered(self) -> int:
        return sum(1 for gate in self.gates if gate.answer is not None)

    @property
    def scored(self) -> int:
        return sum(1 for criterion in self.criteria if criterion.level is not None)


def judging(session: Session, *, submission: Submission, lease: Lease, language: str, now: datetime) -> Judging:
    """Gather what is judged, for a reader of this language."""
    rubric = rubric_of(session, submission.rubric_id)
    rows = evidence_of(session, submission.id)
    tabs = tabs_of(session, submission.id)
    return Judging(
        lease_id=lease.id,
        rubric_title=in_language(rubric.title, language),
        rubric_name=f"{rubric.id} {rubric.version}",
        reference=submission.reference,
        attempt=submission.attempt,
        language=submission.language,
        text_direction=direction(submission.language),
        evidence=tabs,
        warnings=sorted({code for row in rows for code in row.warnings}),
        identity=submission.identity.value,
        other_people=submission.other_people,
        recorded=any(row.kind in RECORDED for row in rows),
        phrases=_phrases(session, rows) if rubric.evidence.phrase else [],
        gates=_gates(rubric, lease.draft, language),
        criteria=[_criterion(each, rubric, lease.draft, submission, language) for each in rubric.criteria],
        message=str(lease.draft.get("message") or ""),
        data=_data(lease, tabs, preview(session, submission=submission, draft=lease.draft), now),
    )


def tabs_of(session: Session, submission_id: UUID) -> list[EvidenceTab]:
    """Return the evidence of a submission as staff see it: numbered, without names (rule 11)."""
    rows = evidence_of(session, submission_id)
    ids = [row.id for row in rows]
    renditions = session.exec(select(Rendition).where(col(Rendition.evidence_id).in_(ids))).all()
    transcribed = set(session.exec(select(Transcript.evidence_id).where(col(Transcript.evidence_id).in_(ids))))
    transcribing = set(
        session.exec(
            select(EvidenceStage.evidence_id).where(
                col(EvidenceStage.evidence_id).in_(ids),
                EvidenceStage.name == StageName.TRANSCRIBE,
                col(EvidenceStage.state).in_([StageState.WAITING, StageState.RUNNING]),
            )
        )
    )
    return [
        EvidenceTab(
            id=str(row.id),
            number=number,
            kind=row.kind.value,
            duration_ms=row.duration_ms,
            words=row.words,
            has=[each.kind.value for each in renditions if each.evidence_id == row.id and each.kind in LISTED]
            + ["transcript"] * (row.id in transcribed)
            + ["transcribing"] * (row.id in transcribing - transcribed),
        )
        for number, row in enumerate(rows, start=1)
    ]


def _phrases(session: Session, rows: list[Evidence]) -> list[PhraseLine]:
    """Return what is to be heard in each recording, in the order of the evidence."""
    drawn = phrases_of(session, rows)
    lines = []
    for number, row in enumerate(rows, start=1):
        if row.kind in RECORDED:
            phrase = drawn.get(row.id)
            language = phrase.language if phrase else ""
            text, drawn_at = (phrase.text, phrase.drawn_at) if phrase else (None, None)
            late_at = phrase.used_at if phrase and phrase.used_at and phrase.used_at - phrase.drawn_at > SOON else None
            lines.append(PhraseLine(str(row.id), number, text, language, direction(language), drawn_at, late_at))
    return lines


def _gates(rubric: Rubric, draft: dict[str, Any], language: str) -> list[GateLine]:
    given = draft.get("vacs") or {}
    return [
        GateLine(each.code, in_language(each.question, language), given.get(each.code))
        for each in sorted(rubric.vacs, key=lambda question: VACS.index(question.code))
    ]


def _criterion(
    each: Criterion, rubric: Rubric, draft: dict[str, Any], submission: Submission, language: str
) -> CriterionLine:
    scored: dict[str, Any] = next((score for score in draft.get("scores") or [] if score["criterion"] == each.code), {})
    carried = next((line["level"] for line in submission.carried if line["criterion"] == each.code), None)
    labels = {level.value: in_language(level.label, language) for level in rubric.scale}
    return CriterionLine(
        code=each.code,
        title=in_language(each.title, language),
        critical=each.critical,
        levels=[
            LevelText(level.value, labels[level.value], in_language(level.descriptor, language))
            for level in each.levels
        ],
        level=scored.get("level"),
        note=scored.get("note") or "",
        hint_level=each.min_level or len(rubric.scale) // 2,
        look_for=in_language(each.look_for, language) if each.look_for else None,
        carried=carried,
    )


def _data(lease: Lease, tabs: list[EvidenceTab], seen: Preview, now: datetime) -> dict[str, Any]:
    return {
        "id": str(lease.id),
        "path": lease.path,
        "version": lease.version,
        "expires_at": time_text(lease.expires_at),
        "now": time_text(now),
        "lease_seconds": lease.seconds,
        "unsure_below": UNSURE_BELOW,
        "draft": lease.draft,
        "preview": preview_data(seen),
        "evidence": [
            {"id": tab.id, "number": tab.number, "kind": tab.kind, "duration_ms": tab.duration_ms, "has": tab.has}
            for tab in tabs
        ],
    }


def preview_data(seen: Preview) -> dict[str, Any]:
    """Return what a draft would come to, for the script: the fields that are missing, not their sentences."""
    return {
        "outcome": seen.outcome,
        "percent": seen.percent,
        "missing": [{"field": each.field} for each in seen.missing],
    }
