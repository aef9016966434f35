"""How we know who is in a recording: what was recorded by whom and when. It is printed on the credential as it is.

Unless somebody says more it is `none`, and nothing ever claims otherwise. The candidate may declare who they are; that
a document was seen, or that the recording was supervised, is recorded by an administrator, who scores nothing.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.actor import Actor
from app.audit.service import append
from app.db.locking import locked
from app.errors import Conflict, NotAllowed, NotFound
from app.evidence.models import Evidence, IdentityCheck, Involvement, Submission
from app.evidence.states import Identity, SubmissionState

SEEN = frozenset({Identity.DOCUMENT_SEEN, Identity.SUPERVISED})
CLOSED = frozenset({SubmissionState.FINALISED, SubmissionState.WITHDRAWN, SubmissionState.VOID})
LONGEST_NOTE = 500


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
    if submission.state in CLOSED:
        raise Conflict("This submission is closed: what its credential says can't be changed.", code="closed")
    return _store(session, submission, identity=identity, by=actor.person_id, note=note, now=now)


def declare(session: Session, submission: Submission, *, now: datetime) -> None:
    """Record the candidate's own statement; nothing changes where more is known already."""
    if submission.identity is Identity.NONE:
        _store(session, submission, identity=Identity.DECLARED, by=submission.candidate_id, note="", now=now)


def lapse(session: Session, submission: Submission, items: Collection[Evidence], *, now: datetime) -> None:
    """Take back, at each submit, what an administrator recorded before a piece of evidence had arrived.

    They can't have looked at it: a recording made under supervision could since have been replaced by another one.
    """
    if submission.identity not in SEEN:
        return
    seen = newest(session, submission.id)
    if seen is None or any((item.completed_at or item.created_at) > seen.at for item in items):
        _store(session, submission, identity=Identity.NONE, by=submission.candidate_id, note="", now=now)


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
