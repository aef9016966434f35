"""Claims: taking, renewing, drafting and giving back an exclusive lease on a submission (rules 1 and 2)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.assessments.models import Assessment
from app.audit import service as audit
from app.db.locking import locked, locked_if_free
from app.errors import Conflict, NotAllowed, NotFound
from app.evidence.models import Involvement, Submission
from app.evidence.states import Part, SubmissionState
from app.frameworks.models import RubricVersion
from app.review.claimable import waiting_submissions, why_not
from app.review.hooks import Taking
from app.review.models import Claim
from app.review.models import Conflict as DeclaredConflict

TRIES = 20
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class EndedBy:
    """Who ended somebody else's claim, and why, in words that its holder reads."""

    person_id: UUID
    reason: str


def claim(session: Session, *, submission_id: UUID, by: Taking) -> Claim:
    """Take one submission. NotFound, NotAllowed, or Conflict `already-claimed` when somebody was faster."""
    actor = by.actor
    submission = locked(session, Submission, submission_id)
    if submission is None or submission.organisation_id != actor.organisation_id or _is_closed(submission):
        raise NotFound("There is no such submission in the queue.")
    if reason := why_not(session, actor=actor, submission=submission):
        own = actor.may_judge(Role.ASSESSOR, submission.rubric_code)
        raise NotAllowed(reason, code="separation-of-duties" if own else "not-allowed")
    taken = _take(session, submission=submission, by=by)
    if taken is None:
        raise Conflict("Another assessor has just taken this one.", code="already-claimed")
    return taken


def claim_next(session: Session, *, by: Taking) -> Claim | None:
    """Take the submission that has waited longest among those that this assessor may judge; None when none waits.

    One that somebody else takes at this moment is passed over, so that assessors don't queue up for the oldest one.
    """
    for _ in range(ROUNDS):
        passed_over = False
        for waiting in session.exec(waiting_submissions(actor=by.actor, now=by.now).limit(TRIES)).all():
            submission = locked_if_free(session, Submission, waiting.id)
            if submission is None:
                passed_over = True
            elif why_not(session, actor=by.actor, submission=submission) is None:
                taken = _take(session, submission=submission, by=by)
                if taken is not None:
                    return taken
        if not passed_over:
            break
    return None


def _is_closed(submission: Submission) -> bool:
    return submission.state not in {SubmissionState.READY, SubmissionState.IN_ASSESSMENT}


def _take(session: Session, *, submission: Submission, by: Taking) -> Claim | None:
    """Take a submission by one conditional UPDATE; None when somebody else was faster."""
    person_id, now = by.actor.person_id, by.now
    _end_expired(session, submission_id=submission.id, now=now)
    taken = session.exec(
        update(Submission)
        .where(col(Submission.id) == submission.id, col(Submission.state) == SubmissionState.READY)
        .values(state=SubmissionState.IN_ASSESSMENT)
    )
    if taken.rowcount != 1:
        return None
    made = Claim(
        organisation_id=submission.organisation_id,
        submission_id=submission.id,
        person_id=person_id,
        draft=_last_draft(session, person_id=person_id, submission_id=submission.id),
        created_at=now,
        expires_at=now + by.lease,
    )
    session.add(made)
    if session.get(Involvement, (submission.id, person_id)) is None:
        session.add(Involvement(submission_id=submission.id, person_id=person_id, part=Part.FIRST, since=now))
    session.flush()
    by.hooks.on_claim(session, person_id, session.get_one(RubricVersion, submission.rubric_id), now)
    _record(session, made, "claim.taken", now)
    return made


def _end_expired(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End a claim whose time is over, by the same rule for everybody; its holder's draft stays.

    The row is read under its lock: a claim that its holder renews at this moment has not expired.
    """
    live = session.exec(
        select(Claim)
        .where(Claim.submission_id == submission_id, col(Claim.ended_at).is_(None), col(Claim.expires_at) <= now)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if live is not None:
        end(session, claim=live, now=now, why="expired", back_to=SubmissionState.READY)


def end(
    session: Session,
    *,
    claim: Claim,
    now: datetime,
    why: str,
    back_to: SubmissionState | None,
    by: EndedBy | None = None,
) -> None:
    """End a live claim; Conflict `claim-ended` when it has ended already. `back_to` moves the submission."""
    ended = session.exec(
        update(Claim)
        .where(col(Claim.id) == claim.id, col(Claim.ended_at).is_(None))
        .values(ended_at=now, end_reason=why, end_note=by.reason if by else None)
    )
    if ended.rowcount != 1:
        raise Conflict(
            "This claim has ended. Your draft was kept: claim the submission again to go on.", code="claim-ended"
        )
    session.refresh(claim)
    if back_to is not None:
        session.exec(
            update(Submission)
            .where(col(Submission.id) == claim.submission_id, col(Submission.state) == SubmissionState.IN_ASSESSMENT)
            .values(state=back_to)
        )
        _forget_part(session, claim)
        _record(session, claim, f"claim.{why}", now, by)


def _forget_part(session: Session, claim: Claim) -> None:
    """Somebody who gave a submission back without judging it has no part in it."""
    judged = session.exec(
        select(Assessment.id).where(
            Assessment.submission_id == claim.submission_id, Assessment.assessor_id == claim.person_id
        )
    ).first()
    if judged is None:
        session.exec(
            delete(Involvement).where(
                col(Involvement.submission_id) == claim.submission_id,
                col(Involvement.person_id) == claim.person_id,
                col(Involvement.part) == Part.FIRST,
            )
        )


def _last_draft(session: Session, *, person_id: UUID, submission_id: UUID) -> dict[str, Any]:
    last = session.exec(
        select(Claim)
        .where(Claim.person_id == person_id, Claim.submission_id == submission_id, col(Claim.end_reason) != "sent")
        .order_by(col(Claim.created_at).desc())
    ).first()
    return dict(last.draft) if last else {}


def own_claim(session: Session, *, actor: Actor, claim_id: UUID, lock: bool = False) -> Claim:
    """Return a claim of this person that has not ended. NotFound for others', Conflict for ended ones.

    `lock` keeps others from changing the submission and the claim until the unit ends.
    """
    found = session.get(Claim, claim_id)
    if found is not None and lock:
        locked(session, Submission, found.submission_id)
        found = locked(session, Claim, claim_id)
    if found is None or found.person_id != actor.person_id or found.organisation_id != actor.organisation_id:
        raise NotFound("There is no such claim.")
    if found.ended_at is not None:
        raise _ended(found)
    return found


def _ended(claim: Claim) -> Conflict:
    if claim.end_note is None:
        return Conflict(
            "This claim has ended. Your draft was kept: claim the submission again to go on.", code="claim-ended"
        )
    return Conflict(
        "A lead validator ended this claim: “%(reason)s” Your draft was kept.",
        code="claim-broken",
        reason=claim.end_note,
    )


def live_claims(session: Session, *, person_id: UUID) -> list[Claim]:
    """Return the claims that a person holds now, the newest first (an expired one that nobody took is still held)."""
    query = select(Claim).where(Claim.person_id == person_id, col(Claim.ended_at).is_(None))
    return list(session.exec(query.order_by(col(Claim.created_at).desc())))


def renew(session: Session, *, actor: Actor, claim_id: UUID, now: datetime, lease: timedelta) -> Claim:
    """Make a claim last longer; an expired one that nobody took comes back to life."""
    found = own_claim(session, actor=actor, claim_id=claim_id)
    renewed = session.exec(
        update(Claim).where(col(Claim.id) == found.id, col(Claim.ended_at).is_(None)).values(expires_at=now + lease)
    )
    if renewed.rowcount != 1:
        raise Conflict("This claim has ended.", code="claim-ended")
    session.refresh(found)
    return found


def release(session: Session, *, actor: Actor, claim_id: UUID, now: datetime) -> None:
    """Give a submission back to the queue; the draft is kept for the same person."""
    found = own_claim(session, actor=actor, claim_id=claim_id, lock=True)
    end(session, claim=found, now=now, why="released", back_to=SubmissionState.READY)


def declare_conflict(session: Session, *, actor: Actor, claim_id: UUID, reason: str, now: datetime) -> None:
    """Declare a conflict of interest: the claim ends, and this person never gets the submission again."""
    found = own_claim(session, actor=actor, claim_id=claim_id, lock=True)
    session.add(
        DeclaredConflict(submission_id=found.submission_id, person_id=actor.person_id, reason=reason, declared_at=now)
    )
    end(session, claim=found, now=now, why="conflict-declared", back_to=SubmissionState.READY)


def save_draft(session: Session, *, actor: Actor, claim_id: UUID, version: int, parts: dict[str, Any]) -> Claim:
    """Store what somebody has scored so far. Conflict `stale-draft` carries the stored draft: neither side is lost."""
    found = own_claim(session, actor=actor, claim_id=claim_id)
    saved = session.exec(
        update(Claim)
        .where(col(Claim.id) == claim_id, col(Claim.version) == version, col(Claim.ended_at).is_(None))
        .values(version=version + 1, draft={**found.draft, **parts})
    )
    session.refresh(found)
    if saved.rowcount != 1:
        own_claim(session, actor=actor, claim_id=claim_id)
        raise Conflict(
            "This draft was changed elsewhere meanwhile. Look at both and save again.",
            code="stale-draft",
            extra={"version": found.version, "draft": found.draft},
        )
    return found


def _record(session: Session, claim: Claim, action: str, now: datetime, by: EndedBy | None = None) -> None:
    audit.append(
        session,
        action=action,
        subject=f"submission:{claim.submission_id}",
        now=now,
        actor_id=by.person_id if by else claim.person_id,
        organisation_id=claim.organisation_id,
        body={"claim": str(claim.id), **({"reason": by.reason} if by else {})},
    )


def lease_until(session: Session, *, person_id: UUID, submission_id: UUID) -> datetime | None:
    """Return when this person's live claim on a submission ends, or None without one."""
    query = select(Claim.expires_at).where(
        Claim.person_id == person_id, Claim.submission_id == submission_id, col(Claim.ended_at).is_(None)
    )
    return session.exec(query).first()


def end_for_withdrawal(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End the live claim on a submission that its candidate withdrew."""
    query = select(Claim).where(Claim.submission_id == submission_id, col(Claim.ended_at).is_(None))
    live = session.exec(query).first()
    if live is not None:
        end(session, claim=live, now=now, why="withdrawn", back_to=None)
        _record(session, live, "claim.withdrawn", now)


def end_for_investigation(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End the live claim on a submission that is under investigation; whoever held it may take it again later."""
    query = select(Claim).where(Claim.submission_id == submission_id, col(Claim.ended_at).is_(None))
    live = session.exec(query).first()
    if live is not None:
        end(session, claim=live, now=now, why="under-investigation", back_to=SubmissionState.READY)
