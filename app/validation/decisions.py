"""A validator's decision after comparing: uphold, overturn, return with advice.

A corrected outcome is a new decision row that supersedes the old one and says why (rule 3). What becomes of the lot
is a job: `outcome`.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from app.assessments.completeness import SentJudgement, SentScore, what_is_missing
from app.assessments.differences import Difference, Judged, difference
from app.assessments.models import Decision
from app.assessments.rules import Judgement, Vacs, Verdict, judge
from app.assessments.service import evidence_lengths
from app.audit import service as audit
from app.db.locking import locked
from app.errors import Conflict, FieldError, Invalid
from app.evidence.models import Submission
from app.evidence.states import Outcome, SubmissionState
from app.validation import release, sample
from app.validation.models import ItemState, Lot, Validation
from app.validation.plans import IssuePolicy, SamplingPlan
from app.validation.rules import DecisionKind
from app.validation.scores import (
    INCOMPLETE,
    Subject,
    judged_by,
    judgement_json,
    lock_unless_investigated,
    move,
    record,
    score_json,
    stored_scores,
    subject_of,
    vacs_json,
)

STATE_AFTER = {
    DecisionKind.UPHOLD: ItemState.UPHELD,
    DecisionKind.OVERTURN: ItemState.OVERTURNED,
    DecisionKind.RETURN_WITH_ADVICE: ItemState.RETURNED_WITH_ADVICE,
}


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
    lock_unless_investigated(session, validation)
    session.refresh(validation)
    subject = subject_of(session, validation)
    if validation.state is not ItemState.COMPARED:
        raise Conflict("Send your blind scores first; each item is decided once.", code="not-compared")
    if kind is not DecisionKind.UPHOLD and not reason.strip():
        raise Invalid(INCOMPLETE, errors=(FieldError("reason", "Say why, so that the assessor can learn from it."),))
    if kind is DecisionKind.OVERTURN:
        _overturn(session, subject, final=final, reason=reason, now=now)
    validation.decision, validation.reason, validation.decided_at, validation.ended_at = kind, reason, now, now
    validation.state = STATE_AFTER[kind]
    move(session, subject, ItemState.COMPARED, STATE_AFTER[kind])
    record(session, subject, action="validation.decided", now=now, body={"decision": kind})
    _tell_the_lot(session, subject, now=now)
    return subject


def _overturn(
    session: Session, subject: Subject, *, final: tuple[SentScore, ...] | None, reason: str, now: datetime
) -> None:
    """Replace the decision by what the final scores compute; refused while that is the same outcome."""
    validation = subject.validation
    blind = validation.blind or {}
    judged = SentJudgement(scores=_with_proof(subject, final), vacs=Vacs(**blind["vacs"]))
    if missing := what_is_missing(subject.rubric, judged, durations=evidence_lengths(session, subject.submission.id)):
        raise Invalid(INCOMPLETE, errors=missing)
    judgement = judge(subject.rubric, scores=judged.levels(), vacs=judged.vacs)
    if judgement.outcome == subject.assessment.outcome:
        message = "These scores give the same outcome: uphold it, or return it with advice."
        raise Invalid(message, code="same-outcome", errors=(FieldError("scores", message),))
    found = difference(
        subject.rubric,
        first=judged_by(subject.assessment),
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
    blind = stored_scores(subject.validation.blind or {"scores": []})
    known = stored_scores({"scores": subject.assessment.scores}) | {
        code: each for code, each in blind.items() if each.note or each.moments
    }
    return tuple(_proved(each, known.get(each.criterion)) for each in final)


def _proved(score: SentScore, known: SentScore | None) -> SentScore:
    if score.note or score.moments or known is None:
        return score
    return replace(score, note=known.note, moments=known.moments)


def _store_final(subject: Subject, *, judged: SentJudgement, judgement: Judgement, found: Difference) -> None:
    subject.validation.final = {
        "v": 1,
        "scores": [score_json(each) for each in judged.scores],
        "vacs": vacs_json(judged.vacs),
    } | judgement_json(judgement)
    subject.validation.overturn_class = found.overturn_class
    subject.validation.direction = found.direction


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
    session.flush()
    lot, item = locked(session, Lot, subject.lot.id) or subject.lot, subject.item
    items = sample.items_of(session, lot)
    lot.faults = sum(
        1 for each in items if each.state is ItemState.OVERTURNED and sample.RANDOM in (each.reasons or [])
    )
    if SamplingPlan.model_validate(lot.plan).issue_policy is IssuePolicy.VALIDATE_ALL:
        release.release_item(session, lot=lot, item=item, now=now)
    session.flush()
    sample.ask_for_decision(session, lot=lot, cause=str(subject.validation.id), now=now)
