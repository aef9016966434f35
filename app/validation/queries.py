"""What a validator's pages of one item show: the blind step, the comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.actor import Actor
from app.assessments.completeness import SentScore
from app.assessments.rules import Vacs, fraction_text, judge, rubric_rules
from app.errors import Invalid
from app.evidence.models import Submission
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import Rubric, rubric_of
from app.review.judging import EvidenceTab, Judging, Lease, judging, tabs_of
from app.text import direction, in_language
from app.validation import leases
from app.validation.lots_page import lot_number
from app.validation.models import ItemState, Lot, Validation
from app.validation.scores import stored_scores

GATES = ("valid", "authentic", "current", "sufficient")


@dataclass(frozen=True, slots=True)
class BlindPage:
    """The blind step: the workstation without the assessor's side."""

    validation_id: UUID
    lot_id: UUID
    lot: str
    judging: Judging


@dataclass(frozen=True, slots=True)
class Side:
    """How one of the two judged a criterion."""

    level: int | None
    label: str
    note: str
    moments: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ComparedCriterion:
    """One criterion, both sides. `apart` counts levels."""

    code: str
    title: str
    critical: bool
    mine: Side
    theirs: Side
    apart: int
    top: int


@dataclass(frozen=True, slots=True)
class ComparedGate:
    """One of the four questions, both answers."""

    code: str
    mine: bool
    theirs: bool


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with its percent, as a fraction (None where it was not scored in full)."""

    outcome: str
    percent: str | None


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the scale."""

    value: int
    label: str


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Both judgements side by side, and the decision when there is one."""

    validation_id: UUID
    lot_id: UUID
    lot: str
    title: str
    reference: str
    attempt: int
    language: str
    text_direction: str
    reasons: list[str]
    gates: list[ComparedGate]
    criteria: list[ComparedCriterion]
    mine: Result
    theirs: Result
    comments: list[dict[str, Any]]
    scale: list[Level]
    evidence: list[EvidenceTab]
    state: ItemState
    decision: str | None
    reason: str | None
    final: Mapping[str, int] | None
    final_result: Result | None
    decided_at: datetime | None
    data: dict[str, Any]

    @property
    def apart(self) -> list[ComparedCriterion]:
        return [each for each in self.criteria if each.apart]

    @property
    def same_gates(self) -> bool:
        return all(gate.mine == gate.theirs for gate in self.gates)


def validation_page(
    session: Session, *, actor: Actor, validation_id: UUID, now: datetime, language: str, lease_seconds: int
) -> BlindPage | ComparePage:
    """Return the blind step before the blind scores are locked, the comparison after. NotFound for others'."""
    row = leases.own_validation(session, actor=actor, validation_id=validation_id)
    if row.comparison is not None:
        return _compare_page(session, row, language)
    submission = session.get_one(Submission, row.submission_id)
    lease = Lease(
        id=row.id,
        path=f"/api/v1/validations/{row.id}",
        version=row.version,
        expires_at=row.expires_at,
        seconds=lease_seconds,
        draft=row.draft,
    )
    return BlindPage(
        validation_id=row.id,
        lot_id=row.lot_id,
        lot=lot_number(session.get_one(Lot, row.lot_id)),
        judging=judging(session, submission=submission, lease=lease, language=language, now=now),
    )


def _compare_page(session: Session, row: Validation, language: str) -> ComparePage:
    compared = row.comparison or {}
    mine, theirs = compared["validator"], compared["assessor"]
    submission = session.get_one(Submission, row.submission_id)
    rubric = rubric_of(session, submission.rubric_id)
    evidence = tabs_of(session, submission.id)
    criteria = _criteria(rubric, mine, theirs, language)
    return ComparePage(
        validation_id=row.id,
        lot_id=row.lot_id,
        lot=lot_number(session.get_one(Lot, row.lot_id)),
        title=in_language(rubric.title, language),
        reference=submission.reference,
        attempt=submission.attempt,
        language=submission.language,
        text_direction=direction(submission.language),
        reasons=list(compared.get("reasons") or []),
        gates=[ComparedGate(gate, mine["vacs"][gate], theirs["vacs"][gate]) for gate in GATES],
        criteria=criteria,
        mine=Result(mine["outcome"], mine["percent"]),
        theirs=Result(theirs["outcome"], theirs["percent"] or None),
        comments=[*theirs.get("comments", [])],
        scale=[Level(level.value, in_language(level.label, language)) for level in rubric.scale],
        evidence=evidence,
        state=row.state,
        decision=row.decision,
        reason=row.reason,
        final={each["criterion"]: each["level"] for each in row.final["scores"]} if row.final else None,
        final_result=Result(row.final["outcome"], row.final["percent"]) if row.final else None,
        decided_at=row.decided_at,
        data=_data(row, evidence, criteria),
    )


def _criteria(rubric: Rubric, mine: dict[str, Any], theirs: dict[str, Any], language: str) -> list[ComparedCriterion]:
    labels = {level.value: in_language(level.label, language) for level in rubric.scale}
    own, other = stored_scores(mine), stored_scores(theirs)
    lines = []
    for each in rubric.criteria:
        one, two = _side(own.get(each.code), labels), _side(other.get(each.code), labels)
        both = one.level is not None and two.level is not None
        lines.append(
            ComparedCriterion(
                code=each.code,
                title=in_language(each.title, language),
                critical=each.critical,
                mine=one,
                theirs=two,
                apart=abs((one.level or 0) - (two.level or 0)) if both else int(one.level != two.level),
                top=len(rubric.scale) - 1,
            )
        )
    return lines


def _side(score: SentScore | None, labels: dict[int, str]) -> Side:
    if score is None:
        return Side(None, "", "", [])
    moments = [
        {"evidence_id": str(each.evidence_id), "start_ms": each.start_ms, "end_ms": each.end_ms}
        for each in score.moments
    ]
    return Side(score.level, labels.get(score.level, str(score.level)), score.note, moments)


def _data(row: Validation, evidence: list[EvidenceTab], criteria: list[ComparedCriterion]) -> dict[str, Any]:
    disputed = [moment for each in criteria if each.apart for moment in (*each.mine.moments, *each.theirs.moments)]
    return {
        "id": str(row.id),
        "path": f"/api/v1/validations/{row.id}",
        "evidence": [
            {"id": tab.id, "number": tab.number, "kind": tab.kind, "duration_ms": tab.duration_ms, "has": tab.has}
            for tab in evidence
        ],
        "disputed": disputed[0] if disputed else None,
    }


def outcome_of(session: Session, *, validation: Validation, levels: Mapping[str, int]) -> dict[str, Any]:
    """Compute what final levels would come to with the validator's own answers to the four questions.

    Invalid unless every criterion has a level of the scale.
    """
    compared = validation.comparison or {}
    submission = session.get_one(Submission, validation.submission_id)
    rules = rubric_rules(session.get_one(RubricVersion, submission.rubric_id).body)
    complete = {each.code for each in rules.criteria} == set(levels)
    if not complete or any(level > rules.top_level for level in levels.values()):
        raise Invalid("Overturning needs the final level of every criterion.")
    found = judge(rules, scores=levels, vacs=Vacs(**compared["validator"]["vacs"]))
    return {
        "outcome": found.outcome.value,
        "percent": fraction_text(found.percent) if isinstance(found.percent, Fraction) else None,
        "same": found.outcome.value == compared["assessor"]["outcome"],
    }
