"""The parts of assessors and validators on the start page. Blind: references only, never a candidate's name."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.assessments.models import Assessment
from app.evidence.models import Involvement, Submission
from app.evidence.states import Purpose, SubmissionState
from app.frameworks.models import RubricVersion
from app.home.parts import Count, Part, Words, Work, WorkList
from app.review.models import Claim
from app.text import Text
from app.validation.models import ItemState, Lot, LotItem, LotState, Validation

WEEK = timedelta(days=7)
MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)


def rubric_titles(session: Session) -> dict[UUID, Text]:
    """Return the titles of all rubric versions."""
    return {row.id: row.body["title"] for row in session.exec(select(RubricVersion))}


def assessor_part(session: Session, actor: Actor, words: Words, now: datetime) -> Part:
    """Return the assessor's part: the open claim first, then the queue."""
    waiting = waiting_for(session, actor)
    judged = session.exec(
        select(func.count()).where(
            Assessment.assessor_id == actor.person_id,
            Assessment.organisation_id == actor.organisation_id,
            Assessment.locked_at >= now - WEEK,
        )
    ).one()
    return Part(
        role=Role.ASSESSOR,
        next=_claim(session, actor, words, now) or _start_next(waiting, words),
        lists=[
            WorkList(
                words._("What waits"),
                _waiting(session, waiting, words),
                words._("Nothing waits for you"),
                words._("Work that is being prepared appears here by itself."),
            )
        ],
        counts_title=words._("Your week"),
        counts=[Count(words._("Waiting"), str(len(waiting))), Count(words._("Judged"), str(judged))],
    )


def waiting_for(session: Session, actor: Actor) -> list[Submission]:
    """Return the submissions that this assessor could take, the longest waiting first."""
    mine = select(Involvement.submission_id).where(Involvement.person_id == actor.person_id)
    rows = session.exec(
        select(Submission)
        .where(
            Submission.organisation_id == actor.organisation_id,
            Submission.state == SubmissionState.READY,
            Submission.candidate_id != actor.person_id,
            Submission.purpose == Purpose.CANDIDATE,
            col(Submission.id).not_in(mine),
        )
        .order_by(col(Submission.ready_at))
    ).all()
    return [row for row in rows if actor.may_judge(Role.ASSESSOR, row.rubric_code)]


def _start_next(waiting: list[Submission], words: Words) -> Work | None:
    if not waiting:
        return None
    return Work(
        words.count("%(n)s submission waits", "%(n)s submissions wait", len(waiting)),
        words._("You get the one that has waited longest. Names stay hidden until your judgement is sent."),
        path="/queue",
        button=words._("Open the queue"),
    )


def _waiting(session: Session, waiting: list[Submission], words: Words) -> list[Work]:
    titles = rubric_titles(session)
    by_rubric: dict[UUID, list[Submission]] = {}
    for row in waiting:
        by_rubric.setdefault(row.rubric_id, []).append(row)
    return [
        Work(
            words.text(titles[rubric_id]),
            words._("The longest has waited since %(when)s.", when=words.moment(rows[0].ready_at))
            if rows[0].ready_at
            else "",
            words.count("%(n)s waits", "%(n)s wait", len(rows)),
            "acc",
            "/queue",
            words._("Open the queue"),
        )
        for rubric_id, rows in by_rubric.items()
    ]


def _claim(session: Session, actor: Actor, words: Words, now: datetime) -> Work | None:
    claim = session.exec(
        select(Claim)
        .where(Claim.person_id == actor.person_id, col(Claim.ended_at).is_(None))
        .order_by(col(Claim.created_at).desc())
    ).first()
    submission = session.get(Submission, claim.submission_id) if claim else None
    if claim is None or submission is None or submission.organisation_id != actor.organisation_id:
        return None
    scored = len((claim.draft or {}).get("scores") or [])
    title = words.text(rubric_titles(session)[submission.rubric_id])
    done = words.count("%(n)s criterion scored.", "%(n)s criteria scored.", scored)
    return Work(
        words._("Carry on where you stopped"),
        _said(words, submission, title, done, _lease(claim.expires_at, words, now)),
        path=f"/claims/{claim.id}",
        button=words._("Carry on"),
    )


def _said(words: Words, submission: Submission, title: str, *more: str) -> str:
    candidate = words._("Candidate %(reference)s", reference=submission.reference)
    return f"{candidate}, {title}. {' '.join(more)}"


def _lease(expires_at: datetime, words: Words, now: datetime) -> str:
    left = int((expires_at - now) / MINUTE)
    if left < 1:
        return words._("Your time has run out; your draft is kept.")
    return words.count("Yours for %(n)s more minute.", "Yours for %(n)s more minutes.", left)


def validator_part(session: Session, actor: Actor, words: Words, now: datetime) -> Part:
    """Return the validator's part: the open validation, then the samples by lot."""
    counts = dict(
        session.exec(
            select(Validation.state, func.count())
            .where(Validation.validator_id == actor.person_id, col(Validation.decided_at) >= now - MONTH)
            .group_by(col(Validation.state))
        ).all()
    )
    samples = _samples(session, actor, words)
    return Part(
        role=Role.VALIDATOR,
        next=_validation(session, actor, words, now) or _take_next(samples, words),
        lists=[
            WorkList(
                words._("Your samples"),
                samples,
                words._("No sample for you"),
                words._("Samples are drawn when a lot closes, never before."),
            )
        ],
        counts_title=words._("Your month"),
        counts=[
            Count(words._("Upheld"), str(counts.get(ItemState.UPHELD, 0))),
            Count(words._("Overturned"), str(counts.get(ItemState.OVERTURNED, 0))),
            Count(words._("Returned with advice"), str(counts.get(ItemState.RETURNED_WITH_ADVICE, 0))),
        ],
    )


def _take_next(samples: list[Work], words: Words) -> Work | None:
    if not samples:
        return None
    return Work(
        words._("Decisions wait for a second look"),
        words._("You score first, without the assessor’s levels. Then you compare and decide."),
        path="/validations",
        button=words._("My sample"),
    )


def _validation(session: Session, actor: Actor, words: Words, now: datetime) -> Work | None:
    row = session.exec(
        select(Validation)
        .where(Validation.validator_id == actor.person_id, col(Validation.ended_at).is_(None))
        .order_by(col(Validation.created_at).desc())
    ).first()
    submission = session.get(Submission, row.submission_id) if row else None
    if row is None or submission is None or submission.organisation_id != actor.organisation_id:
        return None
    title = words.text(rubric_titles(session)[submission.rubric_id])
    return Work(
        words._("Carry on where you stopped"),
        _said(words, submission, title, _lease(row.expires_at, words, now)),
        path=f"/validations/{row.id}",
        button=words._("Carry on"),
    )


def _samples(session: Session, actor: Actor, words: Words) -> list[Work]:
    rows = session.exec(
        select(Lot, func.count())
        .join(LotItem, col(LotItem.lot_id) == col(Lot.id))
        .where(
            Lot.organisation_id == actor.organisation_id,
            col(Lot.state).in_([LotState.VALIDATING, LotState.RECTIFYING]),
            LotItem.state == ItemState.SELECTED,
            Lot.assessor_id != actor.person_id,
        )
        .group_by(col(Lot.id))
        .order_by(col(Lot.closed_at))
    ).all()
    titles = rubric_titles(session)
    return [
        Work(
            words.text(titles[lot.rubric_id]),
            words._("Closed on %(day)s.", day=words.day(lot.closed_at)) if lot.closed_at else "",
            words.count("%(n)s left", "%(n)s left", left),
            "warn" if lot.state is LotState.RECTIFYING else "acc",
            f"/lots/{lot.id}",
            words._("Open the lot"),
        )
        for lot, left in rows
        if actor.may_judge(Role.VALIDATOR, lot.rubric_code)
    ]
