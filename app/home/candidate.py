"""The candidate's part of the start page, and the list of their submissions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.accounts.calendar import calendar_of
from app.actor import Actor, Role
from app.assessments.results import current_decision
from app.credentials.models import Credential, CredentialState
from app.evidence.models import Evidence, Submission
from app.evidence.queries import submissions_of
from app.evidence.states import Outcome, SubmissionState
from app.evidence.submissions import OPEN_FOR_CHANGES
from app.frameworks.models import RubricVersion
from app.home.case import expected_by
from app.home.parts import Count, Part, Words, Work, WorkList
from app.home.wording import said_of, why
from app.text import Text

WITH_US = frozenset(
    {
        SubmissionState.PROCESSING,
        SubmissionState.READY,
        SubmissionState.IN_ASSESSMENT,
        SubmissionState.MODERATION,
        SubmissionState.HELD,
        SubmissionState.UNDER_INVESTIGATION,
    }
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A submission in the candidate's list."""

    submission: Submission
    title: Text
    items: int
    outcome: Outcome | None
    retried: bool
    expected_by: datetime | None

    @property
    def path(self) -> str:
        return f"/submissions/{self.submission.id}"


@dataclass(frozen=True, slots=True)
class CasesPage:
    """All submissions of a candidate: what waits for them, what is with us, what is over."""

    yours: list[CaseLine]
    with_us: list[CaseLine]
    over: list[CaseLine]

    @property
    def any(self) -> bool:
        return bool(self.yours or self.with_us or self.over)


def case_lines(session: Session, actor: Actor) -> list[CaseLine]:
    """Return the candidate's submissions, the newest first."""
    found = submissions_of(session, actor)
    titles = {row.id: row.body["title"] for row in session.exec(select(RubricVersion))}
    counts: dict[UUID, int] = dict(
        session.exec(
            select(Evidence.submission_id, func.count())
            .where(col(Evidence.submission_id).in_([each.id for each in found]))
            .group_by(col(Evidence.submission_id))
        ).all()
    )
    followed = {each.follows for each in found if each.state is not SubmissionState.WITHDRAWN}
    calendar = calendar_of(session, actor.organisation_id)
    lines = []
    for each in found:
        released = each.state is SubmissionState.FINALISED and each.released_at is not None
        decision = current_decision(session, each.id) if released else None
        outcome = decision.outcome if decision else None
        lines.append(
            CaseLine(
                each,
                title=titles[each.rubric_id],
                items=counts.get(each.id, 0),
                outcome=outcome,
                retried=each.id in followed,
                expected_by=expected_by(each, calendar),
            )
        )
    return lines


def waits_for_candidate(line: CaseLine) -> bool:
    """Say whether the next step is the candidate's: to finish, to send again, to try again."""
    again = line.outcome is Outcome.NOT_YET_COMPETENT and not line.retried
    return line.submission.state in OPEN_FOR_CHANGES or again


def cases_page(session: Session, actor: Actor) -> CasesPage:
    """Return the page of all submissions."""
    lines = case_lines(session, actor)
    yours = [line for line in lines if waits_for_candidate(line)]
    with_us = [line for line in lines if line.submission.state in WITH_US]
    rest = [line for line in lines if line not in yours and line not in with_us]
    return CasesPage(yours, with_us, rest)


def candidate_part(session: Session, actor: Actor, words: Words) -> Part:
    """Return the candidate's part: the returned and begun work first."""
    page = cases_page(session, actor)
    order = sorted(page.yours, key=lambda line: line.submission.state is not SubmissionState.RETURNED)
    first = order[0] if order else None
    in_force = session.exec(
        select(func.count()).where(
            Credential.holder_id == actor.person_id,
            Credential.organisation_id == actor.organisation_id,
            Credential.state == CredentialState.ACTIVE,
        )
    ).one()
    drafts = [line for line in page.yours if line.submission.state is SubmissionState.DRAFT]
    returned = [line for line in page.yours if line.submission.state is SubmissionState.RETURNED]
    return Part(
        role=Role.CANDIDATE,
        next=_next(first, words),
        lists=[
            *(
                [WorkList(words._("What waits for you"), [_work(each, words) for each in order[1:]], "")]
                * bool(order[1:])
            ),
            WorkList(
                words._("With us"),
                [_work(each, words) for each in page.with_us],
                words._("Nothing is with us"),
                words._("What you send appears here until you hear."),
            ),
            *([WorkList(words._("Results"), [_work(each, words) for each in page.over[:5]], "")] * bool(page.over)),
        ],
        counts_title=words._("Your work"),
        counts=[
            Count(words._("Drafts"), str(len(drafts))),
            Count(words._("Returned to you"), str(len(returned))),
            Count(words._("With us"), str(len(page.with_us))),
            Count(words._("Credentials in force"), str(in_force)),
        ],
    )


def _next(line: CaseLine | None, words: Words) -> Work:
    if line is None:
        return Work(
            words._("Choose what you want to prove"),
            words._("You see what is judged before you begin."),
            path="/rubrics",
            button=words._("See the rubrics"),
        )
    work = _work(line, words)
    heading = {
        SubmissionState.DRAFT: words._("Carry on where you stopped"),
        SubmissionState.RETURNED: words._("Sent back to you"),
    }.get(line.submission.state, words._("Try again"))
    return Work(heading, f"{work.title}. {work.why}", path=work.path, button=work.button)


def _work(line: CaseLine, words: Words) -> Work:
    said = said_of(line.submission, line.outcome)
    reason = why(line.submission, line.outcome, line.items, line.expected_by, words)
    return Work(words.text(line.title), reason, words._(said.tag), said.tone, line.path, words._(said.button))
