"""Who may read an evidence (rule 15), and until when: its candidate, whoever judges it now, lead and auditor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.audit.service import append
from app.errors import FieldError, Invalid, NotFound
from app.evidence.hooks import LeaseUntil
from app.evidence.models import Evidence, Submission

USUAL_LIFE = timedelta(minutes=15)
READERS = frozenset({Role.CANDIDATE, Role.ASSESSOR, Role.VALIDATOR, Role.LEAD_VALIDATOR, Role.AUDITOR})
LOOKERS = (Role.LEAD_VALIDATOR, Role.AUDITOR)
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read: how (`candidate`, `lease` or `reason`), why, and how long their lease goes on."""

    by: str
    lease_until: datetime | None = None
    reason: str | None = None

    @property
    def is_staff(self) -> bool:
        """Staff see "Evidence 1", never the file name (rule 11)."""
        return self.by != "candidate"

    def life(self, duration_ms: int | None, *, now: datetime, longest: timedelta) -> timedelta:
        """Return how long a signed address lives: the rest of the claim plus the media, at most `longest` (rule 10)."""
        rest = max(self.lease_until - now, timedelta()) if self.lease_until else USUAL_LIFE
        return min(rest + timedelta(milliseconds=duration_ms or 0) + timedelta(minutes=1), longest)


def reader_of_evidence(
    session: Session, *, actor: Actor, evidence_id: UUID, reason: str | None, lease_until: LeaseUntil, now: datetime
) -> tuple[Evidence, Reader]:
    """Return an evidence and how this person may read it; NotFound for everybody who may not."""
    evidence = session.get(Evidence, evidence_id)
    if evidence is None:
        raise NotFound("There is no such evidence.")
    submission = session.get_one(Submission, evidence.submission_id)
    return evidence, reader_of(session, submission, actor=actor, reason=reason, lease_until=lease_until, now=now)


def reader_of(
    session: Session,
    submission: Submission,
    *,
    actor: Actor,
    reason: str | None,
    lease_until: LeaseUntil,
    now: datetime,
) -> Reader:
    """Say how this person may read the evidence of a submission; NotFound for everybody who may not."""
    if submission.organisation_id == actor.organisation_id:
        if submission.candidate_id == actor.person_id:
            return Reader("candidate")
        for submission_id in _judged_in(session, submission):
            until = lease_until(session, actor, submission_id, now)
            if until is not None:
                return Reader("lease", lease_until=until)
        if any(actor.may_judge(role, submission.rubric_code) for role in LOOKERS):
            return Reader("reason", reason=_stated(reason))
    raise NotFound("There is no such evidence.")


def _stated(reason: str | None) -> str:
    said = (reason or "").strip()
    if not said or len(said) > LONGEST_REASON:
        message = "Say why you look at this evidence; the reason is recorded."
        raise Invalid(message, code="reason-needed", errors=(FieldError("reason", message),))
    return said


def _judged_in(session: Session, submission: Submission) -> Iterator[UUID]:
    """Yield the submission and the attempts that follow it: their judges see the earlier evidence too (rule 14).

    One that was withdrawn is followed by another.
    """
    following = [submission.id]
    while following:
        yield from following
        following = list(session.exec(select(Submission.id).where(col(Submission.follows).in_(following))))


def log_view(session: Session, evidence: Evidence, reader: Reader, *, what: str, actor: Actor, now: datetime) -> None:
    """Record that somebody looks at an evidence (rule 10), with the reason where one had to be stated."""
    append(
        session,
        action="evidence.viewed",
        subject=f"evidence:{evidence.id}",
        now=now,
        actor_id=actor.person_id,
        organisation_id=evidence.organisation_id,
        body={"what": what, "by": reader.by, **({"reason": reader.reason} if reader.reason else {})},
    )
