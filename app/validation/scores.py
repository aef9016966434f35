"""Blind scores, and the comparison with the assessor's that they open. What is decided then is in `decisions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from app.assessments.completeness import SentJudgement, SentMoment, SentScore, what_is_missing
from app.assessments.differences import Judged, difference
from app.assessments.models import Assessment, Decision
from app.assessments.rules import Judgement, RubricRules, Vacs, fraction_text, judge, rubric_rules
from app.assessments.service import evidence_lengths
from app.audit import service as audit
from app.db.locking import locked
from app.errors import Conflict, Invalid
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.frameworks.models import RubricVersion
from app.validation.models import ItemState, Lot, LotItem, Validation

INCOMPLETE = "Something is missing before this can be sent."


@dataclass(frozen=True, slots=True)
class Subject:
    """All that a validation is about."""

    validation: Validation
    item: LotItem
    lot: Lot
    submission: Submission
    assessment: Assessment
    rubric: RubricRules


def subject_of(session: Session, validation: Validation) -> Subject:
    """Load what a validation is about. The assessor's side is in it: never show it before the blind scores."""
    item = session.get_one(LotItem, (validation.submission_id, validation.lot_id))
    submission = session.get_one(Submission, validation.submission_id)
    decision = session.get_one(Decision, item.decision_id)
    return Subject(
        validation=validation,
        item=item,
        lot=session.get_one(Lot, validation.lot_id),
        submission=submission,
        assessment=session.get_one(Assessment, decision.assessment_id),
        rubric=rubric_rules(session.get_one(RubricVersion, submission.rubric_id).body),
    )


def lock_unless_investigated(session: Session, validation: Validation) -> None:
    """Lock the submission. Conflict when it has come under investigation."""
    submission = locked(session, Submission, validation.submission_id)
    if submission is not None and submission.state is SubmissionState.UNDER_INVESTIGATION:
        raise Conflict(
            "This submission is under investigation: nobody judges it now. Take the next one.",
            code="under-investigation",
        )


def stored_levels(scores: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the levels of scores as they are stored."""
    return {each["criterion"]: each["level"] for each in scores}


def send_blind_scores(
    session: Session,
    *,
    validation: Validation,
    sent: SentJudgement,
    scores: list[dict[str, Any]],
    comments: list[dict[str, Any]],
    version: int | None,
    now: datetime,
) -> Subject:
    """Lock the blind scores and open the comparison. Invalid with what is missing; Conflict when not live."""
    lock_unless_investigated(session, validation)
    subject = subject_of(session, validation)
    if missing := what_is_missing(subject.rubric, sent, durations=evidence_lengths(session, subject.submission.id)):
        raise Invalid(INCOMPLETE, errors=missing)
    judgement = judge(subject.rubric, scores=sent.levels(), vacs=sent.vacs)
    blind = {"v": 1, "scores": scores, "vacs": vacs_json(sent.vacs), "comments": comments} | judgement_json(judgement)
    live = [
        col(Validation.id) == validation.id,
        col(Validation.state) == ItemState.CLAIMED,
        col(Validation.ended_at).is_(None),
    ]
    if version is not None:
        live.append(col(Validation.version) == version)
    sent_now = session.exec(update(Validation).where(*live).values(state=ItemState.COMPARED, blind=blind))
    if sent_now.rowcount != 1:
        raise Conflict("These scores can't be sent any more: reload the page to see why.", code="not-live")
    session.refresh(validation)
    move(session, subject, ItemState.CLAIMED, ItemState.COMPARED)
    validation.comparison = compare(subject)
    record(session, subject, action="validation.blind-scored", now=now, body={"outcome": judgement.outcome})
    return subject


def vacs_json(vacs: Vacs) -> dict[str, bool]:
    """Return the gates as they are stored and shown."""
    return {
        "valid": vacs.valid,
        "authentic": vacs.authentic,
        "current": vacs.current,
        "sufficient": vacs.sufficient,
    }


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """Return outcome, percent and borderline as they are stored and shown."""
    return {
        "outcome": judgement.outcome.value,
        "percent": fraction_text(judgement.percent) if judgement.percent is not None else None,
        "borderline": judgement.borderline,
    }


def compare(subject: Subject) -> dict[str, Any]:
    """Put both judgements side by side: what the validator sees once the blind scores are locked."""
    assessment, blind = subject.assessment, subject.validation.blind or {}
    first, second = stored_levels(assessment.scores), stored_levels(blind["scores"])
    found = difference(subject.rubric, first=judged_by(assessment), final=_judged_blind(blind))
    return {
        "assessor": {
            "outcome": assessment.outcome,
            "percent": assessment.percent,
            "borderline": assessment.borderline,
            "vacs": assessment.vacs,
            "scores": assessment.scores,
            "comments": assessment.comments,
            "message": assessment.message,
        },
        "validator": {name: value for name, value in blind.items() if name != "v"},
        "criteria": [
            {"criterion": each.code, "assessor": first.get(each.code), "validator": second.get(each.code)}
            for each in subject.rubric.criteria
        ],
        "overturn_class": found.overturn_class,
        "direction": found.direction,
        "reasons": subject.item.reasons,
    }


def judged_by(assessment: Assessment) -> Judged:
    return Judged(scores=stored_levels(assessment.scores), vacs=Vacs(**assessment.vacs))


def _judged_blind(blind: dict[str, Any]) -> Judged:
    return Judged(scores=stored_levels(blind["scores"]), vacs=Vacs(**blind["vacs"]))


def score_json(score: SentScore) -> dict[str, Any]:
    """Return one score as it is stored and shown."""
    moments = [
        {"evidence_id": str(each.evidence_id), "start_ms": each.start_ms, "end_ms": each.end_ms}
        for each in score.moments
    ]
    return {"criterion": score.criterion, "level": score.level, "note": score.note, "moments": moments}


def stored_scores(judgement: dict[str, Any]) -> dict[str, SentScore]:
    return {each["criterion"]: stored_score(each) for each in judgement["scores"]}


def stored_score(body: dict[str, Any]) -> SentScore:
    """Read one score as it is stored."""
    moments = tuple(
        SentMoment(UUID(each["evidence_id"]), each["start_ms"], each["end_ms"]) for each in body.get("moments") or []
    )
    return SentScore(criterion=body["criterion"], level=body["level"], note=body.get("note") or "", moments=moments)


def move(session: Session, subject: Subject, before: ItemState, after: ItemState) -> None:
    moved = session.exec(
        update(LotItem)
        .where(
            col(LotItem.submission_id) == subject.item.submission_id,
            col(LotItem.lot_id) == subject.item.lot_id,
            col(LotItem.state) == before,
        )
        .values(state=after)
    )
    if moved.rowcount != 1:
        raise Conflict("This item has changed meanwhile: reload the page.", code="not-live")
    session.refresh(subject.item)


def record(session: Session, subject: Subject, *, action: str, now: datetime, body: dict[str, Any]) -> None:
    session.flush()
    audit.append(
        session,
        action=action,
        subject=f"validation:{subject.validation.id}",
        now=now,
        actor_id=subject.validation.validator_id,
        organisation_id=subject.lot.organisation_id,
        body={"submission": str(subject.submission.id), "lot": str(subject.lot.id)} | body,
    )
