"""What candidates do with their submissions: begin, look, withdraw, begin the next attempt."""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, tuple_, update
from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.audit.service import append
from app.db.locking import locked
from app.errors import BadRequest, Conflict, FieldError, Invalid, NotAllowed, NotFound
from app.evidence.models import Evidence, Involvement, OtherPerson, Submission, SubmissionConsent
from app.evidence.states import EvidenceState, Part, SubmissionState
from app.evidence.transitions import Move, move
from app.frameworks.models import RubricVersion
from app.frameworks.rubric import read_rubric

S = SubmissionState
REMOVED = "removed"  # the reason code of evidence that its candidate took out after a submit
OPEN_FOR_CHANGES = frozenset({S.DRAFT, S.RETURNED})
WITHDRAW = Move(S.WITHDRAWN, (S.DRAFT, S.PROCESSING, S.READY, S.RETURNED), "submission.withdrawn")
WITHDRAW_CONSENT = Move(S.WITHDRAWN, (*WITHDRAW.came_from, S.IN_ASSESSMENT, S.MODERATION, S.HELD), WITHDRAW.action)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list, and the cursor of the next page."""

    submissions: list[Submission]
    next: str | None


def create(session: Session, *, actor: Actor, rubric_id: UUID, language: str, now: datetime) -> Submission:
    """Begin the first attempt at a published rubric. NotFound for a rubric of nobody or of somebody else."""
    row = session.get(RubricVersion, rubric_id)
    if row is None or row.organisation_id != actor.organisation_id or row.published_at is None:
        raise NotFound("There is no such rubric.")
    if row.withdrawn_at is not None:
        raise Conflict("This rubric takes no new work. Choose its newest version.", code="rubric-withdrawn")
    if not actor.may_judge(Role.CANDIDATE, row.code):
        raise NotAllowed("You are not enrolled for this rubric. Ask your administrator if you should be.")
    submission = begin(session, row, candidate_id=actor.person_id, language=language, now=now)
    record(session, submission, "submission.created", now=now)
    return submission


def begin(
    session: Session,
    row: RubricVersion,
    *,
    candidate_id: UUID,
    language: str,
    now: datetime,
    attempt: int = 1,
    follows: UUID | None = None,
) -> Submission:
    """Make a draft and the candidate's part in it. Invalid for a language in which the rubric is not judged."""
    _check_language(read_rubric(row).evidence.languages, language)
    submission = Submission(
        organisation_id=row.organisation_id,
        candidate_id=candidate_id,
        rubric_id=row.id,
        rubric_code=row.code,
        rubric_major=row.major,
        rubric_content_hash=row.content_hash,
        language=language,
        attempt=attempt,
        follows=follows,
        created_at=now,
    )
    session.add(submission)
    session.flush()
    session.add(Involvement(submission_id=submission.id, person_id=candidate_id, part=Part.CANDIDATE, since=now))
    return submission


def _check_language(languages: list[str], language: str) -> None:
    if language not in languages:
        message = "The rubric is not judged in this language."
        raise Invalid(message, code="language", errors=(FieldError("language", message),))


def record(session: Session, submission: Submission, action: str, *, now: datetime) -> None:
    """Append what a candidate did to the audit trail."""
    append(
        session,
        action=action,
        subject=f"submission:{submission.id}",
        now=now,
        actor_id=submission.candidate_id,
        organisation_id=submission.organisation_id,
        body={
            "rubric": submission.rubric_content_hash,
            "attempt": submission.attempt,
            "follows": str(submission.follows) if submission.follows else None,
        },
    )


def own(session: Session, *, actor: Actor, submission_id: UUID, lock: bool = False) -> Submission:
    """Return a submission of this candidate. NotFound for unknown, somebody else's and another organisation's.

    `lock` keeps others from changing it until the unit ends (SQLite write units do that by themselves).
    """
    submission = locked(session, Submission, submission_id) if lock else session.get(Submission, submission_id)
    if (
        submission is None
        or submission.candidate_id != actor.person_id
        or submission.organisation_id != actor.organisation_id
    ):
        raise NotFound("There is no such submission.")
    return submission


def own_for_changes(session: Session, *, actor: Actor, submission_id: UUID, lock: bool = True) -> Submission:
    """Return a submission of this candidate whose evidence may still change; Conflict after it was sent.

    Without `lock` it is a first look, in a unit that only reads; the unit that writes looks again.
    """
    submission = own(session, actor=actor, submission_id=submission_id, lock=lock)
    if submission.state not in OPEN_FOR_CHANGES:
        raise Conflict("This submission was sent. Its evidence can't be changed any more.", code="not-open")
    return submission


def listed(
    session: Session, *, actor: Actor, state: SubmissionState | None = None, limit: int = 50, cursor: str | None = None
) -> Listing:
    """List the candidate's own submissions, the newest first."""
    order = (col(Submission.created_at), col(Submission.id))
    wanted = select(Submission).where(
        Submission.candidate_id == actor.person_id, Submission.organisation_id == actor.organisation_id
    )
    if state is not None:
        wanted = wanted.where(Submission.state == state)
    if cursor is not None:
        wanted = wanted.where(tuple_(*order) < tuple_(*_read_cursor(cursor)))
    rows = list(session.exec(wanted.order_by(*(column.desc() for column in order)).limit(limit + 1)))
    return Listing(rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None)


def _cursor(submission: Submission) -> str:
    return base64.urlsafe_b64encode(f"{submission.created_at.isoformat()}|{submission.id}".encode()).decode("ascii")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, _, last = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        return datetime.fromisoformat(moment), UUID(last)
    except ValueError as error:
        raise BadRequest("This cursor is not one of ours.", code="bad-cursor") from error


def evidence_of(session: Session, submission_id: UUID) -> list[Evidence]:
    """Return the evidence of a submission in its order, without what its candidate took out."""
    return evidence_of_all(session, [submission_id]).get(submission_id, [])


def evidence_of_all(session: Session, submission_ids: Collection[UUID]) -> dict[UUID, list[Evidence]]:
    """Return the evidence of several submissions by one query, as `evidence_of`."""
    wanted = select(Evidence).where(col(Evidence.submission_id).in_(submission_ids))
    found: dict[UUID, list[Evidence]] = {}
    for row in session.exec(wanted.order_by(col(Evidence.position))):
        if not _was_removed(row):
            found.setdefault(row.submission_id, []).append(row)
    return found


def _was_removed(evidence: Evidence) -> bool:
    return evidence.state is EvidenceState.ERASED and (evidence.reason or {}).get("code") == REMOVED


def withdraw(session: Session, *, submission: Submission, now: datetime) -> None:
    """Take a submission back; possible until an assessor has claimed it."""
    if not move(session, submission, WITHDRAW, now=now, actor_id=submission.candidate_id):
        raise Conflict("An assessor works on this submission or has decided it: it can't be withdrawn.", code="claimed")


def withdraw_consents(session: Session, *, submission: Submission, now: datetime) -> None:
    """Take every consent back; possible until the result is final. Judging ends at once.

    What was kept of other people in the recordings is erased with it.

    The caller lets the domains above end the claim (`Hooks.withdrawn`) in the same unit.
    """
    if not move(
        session, submission, WITHDRAW_CONSENT, now=now, actor_id=submission.candidate_id, body={"consents": "withdrawn"}
    ):
        raise Conflict("This submission is closed: its consents can't be withdrawn here.", code="closed")
    session.connection().execute(
        update(SubmissionConsent)
        .where(col(SubmissionConsent.submission_id) == submission.id, col(SubmissionConsent.withdrawn_at).is_(None))
        .values(withdrawn_at=now)
    )
    session.connection().execute(delete(OtherPerson).where(col(OtherPerson.submission_id) == submission.id))
