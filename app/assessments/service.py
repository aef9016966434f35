"""Locking a judgement, and looking ahead at what it would be. Locked rows never change (rule 3)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlmodel import Session, col, select

from app.assessments.completeness import SentJudgement, SentMoment, SentScore, what_is_missing
from app.assessments.forms import SendForm
from app.assessments.models import Assessment, Decision
from app.assessments.rules import Judgement, Vacs, Verdict, fraction_text, judge, rubric_rules
from app.errors import FieldError, Invalid
from app.evidence.models import Evidence, Submission
from app.evidence.states import JUDGED, Outcome, Part
from app.frameworks.models import RubricVersion


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would come to. `outcome` is None while scores are missing; `missing` says what is."""

    outcome: str | None
    percent: str | None
    borderline: bool
    missing: tuple[FieldError, ...]


def evidence_lengths(session: Session, submission_id: UUID) -> dict[UUID, int | None]:
    """Return the length of each evidence that can be judged, in milliseconds (None: a text)."""
    query = select(Evidence).where(Evidence.submission_id == submission_id, col(Evidence.state).in_(JUDGED))
    return {each.id: each.duration_ms for each in session.exec(query.order_by(col(Evidence.position)))}


def preview(session: Session, *, submission: Submission, draft: dict[str, Any]) -> Preview:
    """Compute what a draft would come to, with the one pass rule."""
    rules = rubric_rules(session.get_one(RubricVersion, submission.rubric_id).body)
    sent, open_gates = _sent_of(draft)
    missing = what_is_missing(rules, sent, durations=evidence_lengths(session, submission.id))
    gates = tuple(FieldError(f"vacs.{gate}", "Answer this question.") for gate in open_gates)
    scored = all(criterion.code in sent.levels() for criterion in rules.criteria)
    decided = not gates and (scored or not sent.vacs.is_decidable)
    found = judge(rules, scores=sent.levels(), vacs=sent.vacs) if decided else None
    return Preview(
        outcome=found.outcome.value if found else None,
        percent=fraction_text(found.percent) if found and found.percent is not None else None,
        borderline=bool(found and found.borderline),
        missing=(*gates, *missing),
    )


def _sent_of(draft: dict[str, Any]) -> tuple[SentJudgement, list[str]]:
    """Read a draft as if it were sent; also the gates that are still open (they count as yes here)."""
    given = draft.get("vacs") or {}
    gates = ("valid", "authentic", "current", "sufficient")
    open_gates = [gate for gate in gates if given.get(gate) is None]
    vacs = Vacs(**{gate: given.get(gate) is not False for gate in gates})
    scores = tuple(
        SentScore(
            criterion=each["criterion"],
            level=each["level"],
            note=each.get("note") or "",
            moments=tuple(
                SentMoment(UUID(moment["evidence_id"]), moment["start_ms"], moment["end_ms"])
                for moment in each.get("moments") or []
            ),
        )
        for each in draft.get("scores") or []
        if each.get("level") is not None
    )
    return SentJudgement(scores=scores, vacs=vacs, message=draft.get("message") or ""), open_gates


@dataclass(frozen=True, slots=True)
class Locked:
    """A locked assessment, and the decision that it became (None when returned or under investigation)."""

    assessment: Assessment
    decision: Decision | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges, under which claim, as which part."""

    claim_id: UUID
    assessor_id: UUID
    part: Part


def lock(
    session: Session,
    *,
    submission: Submission,
    by: Judge,
    form: SendForm,
    now: datetime,
) -> Locked:
    """Lock a judgement for good. Invalid lists everything that is missing."""
    rules = rubric_rules(session.get_one(RubricVersion, submission.rubric_id).body)
    sent = form.sent()
    if missing := what_is_missing(rules, sent, durations=evidence_lengths(session, submission.id)):
        raise Invalid("Something is missing before this can be sent.", errors=missing)
    found = judge(rules, scores=sent.levels(), vacs=sent.vacs)
    assessment = _assessment(session, submission, by, form, found, now)
    assessment.record_sha256 = record_digest(assessment)
    session.add(assessment)
    session.flush()
    return Locked(assessment, _decision(session, assessment, found), found.outcome)


def _assessment(
    session: Session, submission: Submission, by: Judge, form: SendForm, found: Judgement, now: datetime
) -> Assessment:
    return Assessment(
        organisation_id=submission.organisation_id,
        submission_id=submission.id,
        claim_id=by.claim_id,
        assessor_id=by.assessor_id,
        part=by.part,
        record_sha256="",
        attempt=submission.attempt,
        rubric_content_hash=submission.rubric_content_hash,
        evidence_digests=_digests(session, submission.id),
        vacs=form.vacs.model_dump(),
        scores=form.scores_json(),
        comments=form.comments_json(),
        message=form.message,
        outcome=found.outcome.value,
        percent=fraction_text(found.percent) if found.percent is not None else "",
        borderline=found.borderline,
        locked_at=now,
    )


def _digests(session: Session, submission_id: UUID) -> list[dict[str, str]]:
    query = select(Evidence).where(Evidence.submission_id == submission_id, col(Evidence.state).in_(JUDGED))
    return [
        {"evidence_id": str(each.id), "sha256": each.sha256 or ""}
        for each in session.exec(query.order_by(col(Evidence.position)))
    ]


def record_digest(assessment: Assessment) -> str:
    """Return the SHA-256 of what was judged, by whom, against what (rule 4); the credential names it."""
    record: dict[str, Any] = {
        "v": 1,
        "submission": str(assessment.submission_id),
        "attempt": assessment.attempt,
        "rubric": assessment.rubric_content_hash,
        "evidence": assessment.evidence_digests,
        "assessor": str(assessment.assessor_id),
        "vacs": assessment.vacs,
        "scores": assessment.scores,
        "outcome": assessment.outcome,
        "percent": assessment.percent,
        "locked_at": assessment.locked_at.isoformat(),
    }
    return hashlib.sha256(rfc8785.dumps(record)).hexdigest()


def _decision(session: Session, assessment: Assessment, found: Judgement) -> Decision | None:
    if found.outcome not in {Verdict.COMPETENT, Verdict.NOT_YET_COMPETENT}:
        return None
    decision = Decision(
        organisation_id=assessment.organisation_id,
        submission_id=assessment.submission_id,
        assessment_id=assessment.id,
        outcome=Outcome(found.outcome.value),
        percent=assessment.percent,
        borderline=assessment.borderline,
        scores=assessment.scores,
        vacs=assessment.vacs,
        decided_at=assessment.locked_at,
    )
    session.add(decision)
    session.flush()
    return decision
