"""A validator's blind scores, and the decision after comparing: uphold, overturn, return with advice.

A corrected outcome is a new decision row that supersedes the old one and says why (rule 3). Validation of the lot
as a whole is a job: `outcome`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.assessments.completeness import SentJudgement, SentMoment, SentScore, what_is_missing
from app.assessments.differences import Difference, Judged, difference
from app.assessments.models import Assessment, Decision
from app.assessments.rules import Judgement, RubricRules, Vacs, Verdict, fraction_text, judge, rubric_rules
from app.audit import service as audit
from app.errors import Conflict, FieldError, Invalid
from app.evidence.models import Evidence, Submission
from app.evidence.states import Outcome, SubmissionState
from app.frameworks.models import RubricVersion
from app.validation import release, sample
from app.validation.models import ItemState, Lot, LotItem, Validation
from app.validation.plans import IssuePolicy, SamplingPlan
from app.validation.rules import DecisionKind

STATE_AFTER = {
    DecisionKind.UPHOLD: ItemState.UPHELD,
    DecisionKind.OVERTURN: ItemState.OVERTURNED,
    DecisionKind.RETURN_WITH_ADVICE: ItemState.RETURNED_WITH_ADVICE,
}
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
    subject = subject_of(session, validation)
    if missing := what_is_missing(subject.rubric, sent, durations=_durations(session, subject.submission)):
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
    locked = session.exec(update(Validation).where(*live).values(state=ItemState.COMPARED, blind=blind))
    if locked.rowcount != 1:
        raise Conflict("These scores can't be sent any more: reload the page to see why.", code="not-live")
    session.refresh(validation)
    _move(session, subject, ItemState.CLAIMED, ItemState.COMPARED)
    validation.comparison = compare(subject)
    _record(session, subject, action="validation.blind-scored", now=now, body={"outcome": judgement.outcome})
    return subject


def _durations(session: Session, submission: Submission) -> dict[Any, int | None]:
    rows = session.exec(select(Evidence.id, Evidence.duration_ms).where(Evidence.submission_id == submission.id))
    return dict(rows.all())


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
    found = difference(subject.rubric, first=_judged(assessment), final=_judged_blind(blind))
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


def _judged(assessment: Assessment) -> Judged:
    return Judged(scores=stored_levels(assessment.scores), vacs=Vacs(**assessment.vacs))


def _judged_blind(blind: dict[str, Any]) -> Judged:
    return Judged(scores=stored_levels(blind["scores"]), vacs=Vacs(**blind["vacs"]))


def decide(
    session: Session,
    *,
    validation: Validation,
    kind: DecisionKind,
    reason: str,
    final: tuple[SentScore, ...] | None,
    now: datetime,
) -> Subject:
    """Decide on a compared item. Invalid without the reason or scores that the kind needs; Conflict when decided."""
    subject = subject_of(session, validation)
    if validation.state is not ItemState.COMPARED:
        raise Conflict("Send your blind scores first; each item is decided once.", code="not-compared")
    if kind is not DecisionKind.UPHOLD and not reason.strip():
        raise Invalid(INCOMPLETE, errors=(FieldError("reason", "Say why, so that the assessor can learn from it."),))
    if kind is DecisionKind.OVERTURN:
        _overturn(session, subject, final=final, reason=reason, now=now)
    validation.decision, validation.reason, validation.decided_at, validation.ended_at = kind, reason, now, now
    validation.state = STATE_AFTER[kind]
    _move(session, subject, ItemState.COMPARED, STATE_AFTER[kind])
    _record(session, subject, action="validation.decided", now=now, body={"decision": kind})
    _tell_the_lot(session, subject, now=now)
    return subject


def _overturn(
    session: Session, subject: Subject, *, final: tuple[SentScore, ...] | None, reason: str, now: datetime
) -> None:
    """Replace the decision by what the final scores compute; refused while that is the same outcome."""
    validation = subject.validation
    blind = validation.blind or {}
    judged = SentJudgement(scores=_with_proof(subject, final), vacs=Vacs(**blind["vacs"]))
    if missing := what_is_missing(subject.rubric, judged, durations=_durations(session, subject.submission)):
        raise Invalid(INCOMPLETE, errors=missing)
    judgement = judge(subject.rubric, scores=judged.levels(), vacs=judged.vacs)
    if judgement.outcome == subject.assessment.outcome:
        message = "These scores give the same outcome: uphold it, or return it with advice."
        raise Invalid(message, code="same-outcome", errors=(FieldError("scores", message),))
    found = difference(
        subject.rubric,
        first=_judged(subject.assessment),
        final=Judged(scores=judged.levels(), vacs=judged.vacs),
    )
    _store_final(subject, judged=judged, judgement=judgement, found=found)
    if judgement.outcome is Verdict.UNDER_INVESTIGATION:
        _investigate(session, subject, now=now)
    else:
        _supersede(session, subject, judgement=judgement, reason=reason, now=now)


def _with_proof(subject: Subject, final: tuple[SentScore, ...] | None) -> tuple[SentScore, ...]:
    """Give each final score without proof of its own the proof of the blind score, else the assessor's."""
    if not final:
        message = "Overturning needs the final level of every criterion."
        raise Invalid(INCOMPLETE, errors=(FieldError("scores", message),))
    blind = _stored(subject.validation.blind or {"scores": []})
    known = _stored({"scores": subject.assessment.scores}) | {
        code: each for code, each in blind.items() if each.note or each.moments
    }
    return tuple(_proved(each, known.get(each.criterion)) for each in final)


def _proved(score: SentScore, known: SentScore | None) -> SentScore:
    if score.note or score.moments or known is None:
        return score
    return replace(score, note=known.note, moments=known.moments)


def _stored(judgement: dict[str, Any]) -> dict[str, SentScore]:
    return {each["criterion"]: stored_score(each) for each in judgement["scores"]}


def stored_score(body: dict[str, Any]) -> SentScore:
    """Read one score as it is stored."""
    moments = tuple(
        SentMoment(UUID(each["evidence_id"]), each["start_ms"], each["end_ms"]) for each in body.get("moments") or []
    )
    return SentScore(criterion=body["criterion"], level=body["level"], note=body.get("note") or "", moments=moments)


def _store_final(subject: Subject, *, judged: SentJudgement, judgement: Judgement, found: Difference) -> None:
    subject.validation.final = {
        "v": 1,
        "scores": [score_json(each) for each in judged.scores],
        "vacs": vacs_json(judged.vacs),
    } | judgement_json(judgement)
    subject.validation.overturn_class = found.overturn_class
    subject.validation.direction = found.direction


def score_json(score: SentScore) -> dict[str, Any]:
    """Return one score as it is stored and shown."""
    moments = [
        {"evidence_id": str(each.evidence_id), "start_ms": each.start_ms, "end_ms": each.end_ms}
        for each in score.moments
    ]
    return {"criterion": score.criterion, "level": score.level, "note": score.note, "moments": moments}


def _investigate(session: Session, subject: Subject, *, now: datetime) -> None:
    """Doubt about authenticity is an integrity case, not a fail: the submission waits for it."""
    moved = session.exec(
        update(Submission)
        .where(col(Submission.id) == subject.submission.id, col(Submission.state) == SubmissionState.HELD)
        .values(state=SubmissionState.UNDER_INVESTIGATION, state_before=SubmissionState.HELD)
    )
    if moved.rowcount == 1:
        audit.append(
            session,
            action="submission.under-investigation",
            subject=f"submission:{subject.submission.id}",
            now=now,
            actor_id=subject.validation.validator_id,
            organisation_id=subject.lot.organisation_id,
            body={"validation": str(subject.validation.id)},
        )


def _supersede(session: Session, subject: Subject, *, judgement: Judgement, reason: str, now: datetime) -> None:
    final = subject.validation.final or {}
    passed = judgement.outcome is Verdict.COMPETENT
    session.exec(
        update(Decision)
        .where(col(Decision.submission_id) == subject.submission.id, col(Decision.superseded_at).is_(None))
        .values(superseded_at=now)
    )
    session.add(
        Decision(
            organisation_id=subject.lot.organisation_id,
            submission_id=subject.submission.id,
            assessment_id=subject.assessment.id,
            # Not sufficient, found by a validator, uses the attempt: what was sent did not show the competence.
            outcome=Outcome.COMPETENT if passed else Outcome.NOT_YET_COMPETENT,
            percent=final["percent"] or subject.assessment.percent,
            borderline=judgement.borderline,
            scores=final["scores"],
            vacs=final["vacs"],
            source="validator",
            reason=reason,
            decided_at=now,
        )
    )


def _tell_the_lot(session: Session, subject: Subject, *, now: datetime) -> None:
    lot, item = subject.lot, subject.item
    items = sample.items_of(session, lot)
    lot.faults = sum(
        1 for each in items if each.state is ItemState.OVERTURNED and sample.RANDOM in (each.reasons or [])
    )
    if SamplingPlan.model_validate(lot.plan).issue_policy is IssuePolicy.VALIDATE_ALL:
        release.release_item(session, lot=lot, item=item, now=now)
    session.flush()
    sample.ask_for_decision(session, lot=lot, items=items, now=now)


def _move(session: Session, subject: Subject, before: ItemState, after: ItemState) -> None:
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


def _record(session: Session, subject: Subject, *, action: str, now: datetime, body: dict[str, Any]) -> None:
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
