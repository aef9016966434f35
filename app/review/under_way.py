"""What is being assessed now, for lead validators, who may end a claim that holds somebody's work up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.models import Person
from app.actor import Actor, Role
from app.db.locking import locked
from app.errors import Conflict, NotAllowed, NotFound
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.frameworks.models import RubricVersion
from app.review.ages import Age, age
from app.review.claims import EndedBy, end
from app.review.models import Claim
from app.text import Text

MOST = 200


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One live claim: who holds it, since when, until when. `over`: its time is up and nobody else took the work."""

    claim_id: UUID
    submission_id: UUID
    reference: str
    rubric_code: str
    title: Text
    assessor: str
    since: datetime
    expires_at: datetime
    held: Age
    over: bool


def under_way(session: Session, *, actor: Actor, now: datetime) -> list[UnderWay]:
    """List the live claims of the rubrics that this lead validator watches, those held longest first; 200 at most."""
    query = (
        select(Claim, Submission, RubricVersion, Person.name)
        .join(Submission, col(Submission.id) == col(Claim.submission_id))
        .join(RubricVersion, col(RubricVersion.id) == col(Submission.rubric_id))
        .join(Person, col(Person.id) == col(Claim.person_id))
        .where(
            Claim.organisation_id == actor.organisation_id,
            col(Claim.ended_at).is_(None),
            Submission.candidate_id != actor.person_id,
        )
    )
    limit = actor.rubrics.get(Role.LEAD_VALIDATOR)
    if limit is not None:
        query = query.where(col(Submission.rubric_code).in_(limit))
    rows = session.exec(query.order_by(col(Claim.created_at), col(Claim.id)).limit(MOST))
    return [
        UnderWay(
            claim_id=claim.id,
            submission_id=submission.id,
            reference=submission.reference,
            rubric_code=submission.rubric_code,
            title=rubric.body["title"],
            assessor=name,
            since=claim.created_at,
            expires_at=claim.expires_at,
            held=age(claim.created_at, now=now),
            over=claim.expires_at <= now,
        )
        for claim, submission, rubric, name in rows
    ]


def break_claim(session: Session, *, actor: Actor, claim_id: UUID, reason: str, now: datetime) -> None:
    """End somebody's claim: the work goes back to the queue, the draft stays theirs and they are told the reason.

    NotFound for an unknown claim, NotAllowed outside one's rubrics or on one's own evidence, Conflict `claim-ended`
    when it is over already.
    """
    found = session.get(Claim, claim_id)
    if found is None or found.organisation_id != actor.organisation_id:
        raise NotFound("There is no such claim.")
    submission = locked(session, Submission, found.submission_id)
    found = locked(session, Claim, claim_id)
    if submission is None or found is None:
        raise NotFound("There is no such claim.")
    if not actor.may_judge(Role.LEAD_VALIDATOR, submission.rubric_code):
        raise NotAllowed("Your role does not include this rubric.")
    if submission.candidate_id == actor.person_id:
        raise NotAllowed("You cannot end a claim on your own evidence.", code="separation-of-duties")
    if found.ended_at is not None:
        raise Conflict("This claim has ended already.", code="claim-ended")
    end(session, claim=found, now=now, why="broken", back_to=SubmissionState.READY, by=EndedBy(actor.person_id, reason))
