"""How we know who is in a recording: what was recorded by whom and when. It is printed on the credential as it is.

Unless somebody says more it is `none`, and nothing ever claims otherwise. The candidate may declare who they are; that
a document was seen, or that the recording was supervised, is recorded by an administrator, who scores nothing. A rubric
may ask for a minimum: without it nothing is sent, and no credential is issued.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.actor import Actor
from app.audit.service import append
from app.db.locking import locked
from app.errors import Conflict, NotAllowed, NotFound
from app.evidence.models import Evidence, IdentityCheck, Involvement, Submission
from app.evidence.reasons import Reason
from app.evidence.show import time_text
from app.evidence.states import Identity, SubmissionState
from app.frameworks.rubric import rubric_of
from app.jobs.catalog import ISSUE
from app.jobs.service import retry_failed

SEEN = frozenset({Identity.DOCUMENT_SEEN, Identity.SUPERVISED})
CLOSED = frozenset({SubmissionState.FINALISED, SubmissionState.WITHDRAWN, SubmissionState.VOID})
LONGEST_NOTE = 500
CODE = "identity-missing"
LACKS = {
    Identity.DECLARED: Reason(
        CODE, "This rubric needs your word that you are the person named in this account. Tick that, then send."
    ),
    Identity.DOCUMENT_SEEN: Reason(
        CODE,
        "This rubric is taken only from people whose identity document was seen. Show yours to your administrator, who "
        "records it here; then send.",
    ),
    Identity.SUPERVISED: Reason(
        CODE,
        "This rubric is taken only when it was recorded under supervision. Ask your administrator to record here that "
        "yours was; then send.",
    ),
}


def record(
    session: Session, *, actor: Actor, submission_id: UUID, identity: Identity, note: str, now: datetime
) -> IdentityCheck:
    """Record how somebody of the organisation knows who is in it; the newest counts, older ones are kept.

    NotFound, NotAllowed for whoever has a part in the submission, Conflict once the result is final.
    """
    submission = locked(session, Submission, submission_id)
    if submission is None or submission.organisation_id != actor.organisation_id:
        raise NotFound("There is no such submission.")
    if session.get(Involvement, (submission.id, actor.person_id)) is not None:
        raise NotAllowed("You have a part in this submission: somebody else must do this.", code="separation-of-duties")
    if submission.state in CLOSED and not _holds_up_issuing(session, submission):
        raise Conflict("This submission is closed: what its credential says can't be changed.", code="closed")
    made = _store(session, submission, identity=identity, by=actor.person_id, note=note, now=now)
    if submission.state is SubmissionState.FINALISED:
        retry_failed(session, now=now, only=[f"{ISSUE.name}:{submission.id}"])
    return made


def _holds_up_issuing(session: Session, submission: Submission) -> bool:
    """Say whether a final result has no credential because too little is known: then more may still be recorded."""
    return submission.state is SubmissionState.FINALISED and lacking(session, submission) is not None


def lacking(session: Session, submission: Submission) -> Reason | None:
    """Return what the rubric needs to know of who is in it, in words for the candidate; None when that is known."""
    least = rubric_of(session, submission.rubric_id).evidence.identity_min
    return None if submission.identity.is_enough_for(least) else LACKS[Identity(least)]


def declare(session: Session, submission: Submission, *, now: datetime) -> None:
    """Record the candidate's own statement; nothing changes where more is known already."""
    if submission.identity is Identity.NONE:
        _store(session, submission, identity=Identity.DECLARED, by=submission.candidate_id, note="", now=now)


def lapse(session: Session, submission: Submission, items: Collection[Evidence], *, now: datetime) -> None:
    """Take back, at each submit, what an administrator recorded before a piece of evidence had arrived.

    They can't have looked at it: a recording made under supervision could since have been replaced by another one.
    """
    if has_lapsed(submission, newest(session, submission.id), items):
        _store(session, submission, identity=Identity.NONE, by=submission.candidate_id, note="", now=now)


def has_lapsed(submission: Submission, seen: IdentityCheck | None, items: Collection[Evidence]) -> bool:
    """Say whether evidence has arrived since somebody looked. Pure."""
    if submission.identity not in SEEN:
        return False
    return seen is None or any((item.completed_at or item.created_at) > seen.at for item in items)


def _store(
    session: Session, submission: Submission, *, identity: Identity, by: UUID, note: str, now: datetime
) -> IdentityCheck:
    before = submission.identity
    made = IdentityCheck(submission_id=submission.id, identity=identity, by=by, note=note, at=now)
    session.add(made)
    session.connection().execute(
        update(Submission).where(col(Submission.id) == submission.id).values(identity=identity)
    )
    session.refresh(submission)
    append(
        session,
        action="submission.identity-recorded",
        subject=f"submission:{submission.id}",
        now=now,
        actor_id=by,
        organisation_id=submission.organisation_id,
        body={"from": before.value, "to": identity.value, "check": str(made.id)},  # the note may be personal
    )
    return made


def newest(session: Session, submission_id: UUID) -> IdentityCheck | None:
    """Return what counts now; None while nobody has recorded anything."""
    return next(iter(history(session, submission_id)), None)


def history(session: Session, submission_id: UUID) -> list[IdentityCheck]:
    """Return all that was recorded, the newest first."""
    wanted = select(IdentityCheck).where(IdentityCheck.submission_id == submission_id)
    return list(session.exec(wanted.order_by(col(IdentityCheck.at).desc(), col(IdentityCheck.id).desc())))


def has_recorded(session: Session, submission_id: UUID, person_id: UUID) -> bool:
    """Say whether a person has looked at this candidate's identity: they know the name and can't judge blind."""
    mine = select(IdentityCheck.id).where(IdentityCheck.submission_id == submission_id, IdentityCheck.by == person_id)
    return session.exec(mine).first() is not None


def check_json(check: IdentityCheck) -> dict[str, Any]:
    """Return what was recorded as API and command line show it."""
    return {
        "submission_id": str(check.submission_id),
        "identity": check.identity.value,
        "by": str(check.by),
        "at": time_text(check.at),
        "note": check.note,
    }


def known(session: Session, submission: Submission) -> dict[str, Any]:
    """Return what is known and how it came to be, the newest first."""
    found = [check_json(each) for each in history(session, submission.id)]
    return {"identity": submission.identity.value, "items": found, "next": None}
