"""Sending a judgement: it locks, the claim ends, and the submission goes where the outcome says. There is no undo."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from app.actor import Actor
from app.assessments.forms import SendForm
from app.assessments.models import Assessment
from app.assessments.rules import Verdict
from app.assessments.service import Judge, Locked, lock
from app.audit import service as audit
from app.errors import Conflict
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.review.claims import end, own_claim
from app.review.hooks import Hooks

NEXT_STATE = {
    Verdict.COMPETENT: SubmissionState.HELD,
    Verdict.NOT_YET_COMPETENT: SubmissionState.HELD,
    Verdict.RETURNED: SubmissionState.RETURNED,
    Verdict.UNDER_INVESTIGATION: SubmissionState.UNDER_INVESTIGATION,
}


def send(session: Session, *, actor: Actor, claim_id: UUID, form: SendForm, now: datetime, hooks: Hooks) -> Assessment:
    """Lock the judgement under this claim. Conflict when the claim has ended or the draft was changed elsewhere."""
    claim = own_claim(session, actor=actor, claim_id=claim_id, lock=True)
    if form.version is not None and form.version != claim.version:
        raise Conflict(
            "This draft was changed elsewhere meanwhile. Look at both and send again.",
            code="stale-draft",
            extra={"version": claim.version, "draft": claim.draft},
        )
    submission = session.get_one(Submission, claim.submission_id)
    locked = lock(
        session,
        submission=submission,
        by=Judge(claim.id, actor.person_id, claim.part),
        form=form,
        now=now,
    )
    end(session, claim=claim, now=now, why="sent", back_to=None)
    _move(session, submission=submission, locked=locked, now=now)
    _record(session, actor=actor, locked=locked, now=now)
    if locked.decision is not None:
        hooks.on_decision(session, locked.decision, now)
    return locked.assessment


def _move(session: Session, *, submission: Submission, locked: Locked, now: datetime) -> None:
    """Move the submission by one conditional UPDATE."""
    state = NEXT_STATE[locked.verdict]
    values: dict[str, object] = {"state": state, "decided_at": now if locked.decision is not None else None}
    if state is SubmissionState.RETURNED:
        values["reason"] = {"code": "not-sufficient", "message": locked.assessment.message}
    if state is SubmissionState.UNDER_INVESTIGATION:
        values["state_before"] = SubmissionState.READY
    moved = session.exec(
        update(Submission)
        .where(col(Submission.id) == submission.id, col(Submission.state) == SubmissionState.IN_ASSESSMENT)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise Conflict("This submission is no longer in assessment.", code="not-in-assessment")


def _record(session: Session, *, actor: Actor, locked: Locked, now: datetime) -> None:
    audit.append(
        session,
        action="assessment.locked",
        subject=f"submission:{locked.assessment.submission_id}",
        now=now,
        actor_id=actor.person_id,
        organisation_id=actor.organisation_id,
        body={
            "assessment": str(locked.assessment.id),
            "record_sha256": locked.assessment.record_sha256,
            "outcome": locked.assessment.outcome,
        },
    )
