"""A candidate's submission as one page: evidence, receipt, progress, result and credential, from all domains."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.accounts.calendar import Calendar, calendar
from app.accounts.models import Organisation
from app.actor import Actor
from app.assessments.models import Assessment, Decision
from app.assessments.results import current_decision
from app.credentials.models import Credential, CredentialState
from app.errors import NotFound
from app.evidence.checks import Check, checks, ready_to_send
from app.evidence.models import OtherPerson, Receipt, Submission, TextDraft
from app.evidence.people import are_asked_for
from app.evidence.people import of as people_of
from app.evidence.queries import AskedConsent, EvidenceRow, asked_consents, evidence_rows, newest_receipt
from app.evidence.states import EvidenceState, Outcome, SubmissionState
from app.evidence.submissions import OPEN_FOR_CHANGES, WITHDRAW, WITHDRAW_CONSENT, own
from app.frameworks.models import RubricVersion
from app.frameworks.queries import organisation_text
from app.frameworks.rubric import Criterion, Rubric, read_rubric
from app.text import Text


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the candidate's own evidence that a judgement points to."""

    evidence_id: UUID
    number: int
    start_ms: int
    end_ms: int | None
    is_media: bool


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """What was decided on one criterion. `met` compares with the least level that the rubric asks for."""

    criterion: Criterion
    level: int
    label: Text
    note: str
    moments: list[Moment]
    met: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of the assessor at a place in the evidence."""

    moment: Moment | None
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome that counts, shown once it is released."""

    outcome: Outcome
    percent: str
    criteria: list[CriterionResult]
    remarks: list[Remark]
    message: str
    released_at: datetime

    @property
    def competent(self) -> bool:
        return self.outcome is Outcome.COMPETENT

    @property
    def unmet(self) -> list[CriterionResult]:
        return [each for each in self.criteria if not each.met]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier or later attempt at the same thing."""

    id: UUID
    number: int
    state: SubmissionState
    outcome: Outcome | None
    when: datetime


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything that a candidate may know of one submission."""

    submission: Submission
    organisation: Text
    rubric: Rubric
    rubric_version: str
    rows: list[EvidenceRow]
    draft: TextDraft | None
    checks: list[Check]
    consents: list[AskedConsent]
    receipt: Receipt | None
    result: Result | None
    attempts: list[Attempt]
    credential_id: UUID | None
    credential_state: CredentialState | None
    expected_by: datetime | None
    answer_by: datetime
    people: list[OtherPerson]
    today: str

    @property
    def asks_people(self) -> bool:
        """Whether others could be seen or heard in what the rubric asks for."""
        return are_asked_for(self.rubric.evidence)

    @property
    def open(self) -> bool:
        return self.submission.state in OPEN_FOR_CHANGES

    @property
    def may_withdraw(self) -> bool:
        return self.submission.state in WITHDRAW.came_from

    @property
    def may_withdraw_consents(self) -> bool:
        return self.receipt is not None and self.submission.state in WITHDRAW_CONSENT.came_from

    @property
    def sealed(self) -> list[tuple[EvidenceRow | None, dict[str, Any]]]:
        """What the receipt seals, in the order of the page; one that was taken out since has no row and comes last."""
        rows = {str(row.id): row for row in self.rows}
        items = self.receipt.manifest.get("evidence", []) if self.receipt else []
        pairs = [(rows.get(each["id"]), each) for each in items]
        return sorted(pairs, key=lambda pair: pair[0].number if pair[0] else len(items) + len(rows))

    @property
    def may_send(self) -> bool:
        return ready_to_send(self.checks)

    @property
    def may_resubmit(self) -> bool:
        later = [each for each in self.attempts if each.number > self.submission.attempt]
        superseded = any(each.state is not SubmissionState.WITHDRAWN for each in later)
        return self.result is not None and not self.result.competent and not superseded

    @property
    def sources(self) -> list[str]:
        """What the browser may record for this rubric: picture and voice, screen and voice, voice alone."""
        kinds = self.rubric.evidence.kinds
        return ["video", "screen"] * ("video" in kinds) + ["audio"] * ("audio" in kinds)

    @property
    def room(self) -> bool:
        """Say whether the rubric takes one more item."""
        held = [row for row in self.rows if row.state is not EvidenceState.REJECTED]
        return len(held) < self.rubric.evidence.items_max

    @property
    def step(self) -> int:
        """Which of read, add, check, send is next (0 to 3)."""
        if not self.rows:
            return 1
        waits = any(row.state in (EvidenceState.UPLOADING, EvidenceState.PROCESSING) for row in self.rows)
        return 2 if waits or not self.may_send else 3

    @property
    def carried(self) -> dict[str, int]:
        """The levels of an earlier attempt, by criterion."""
        return {str(each["criterion"]): int(each["level"]) for each in self.submission.carried}


def case_page(session: Session, actor: Actor, submission_id: UUID, *, now: datetime) -> CasePage:
    """Return the page of one's own submission. NotFound for anybody else's."""
    submission = own(session, actor=actor, submission_id=submission_id)
    version = session.get(RubricVersion, submission.rubric_id)
    organisation = session.get(Organisation, submission.organisation_id)
    if version is None or organisation is None:
        raise NotFound("There is no such submission.")
    rubric, days = read_rubric(version), calendar(organisation)
    rows = evidence_rows(session, submission)
    credential = _credential(session, submission.id)
    return CasePage(
        submission=submission,
        organisation=organisation_text(organisation),
        rubric=rubric,
        rubric_version=version.version,
        rows=rows,
        draft=session.get(TextDraft, submission.id),
        checks=checks(rows, rubric.evidence, submission.identity),
        consents=asked_consents(session, submission, rubric),
        receipt=newest_receipt(session, submission.id),
        result=result_of(session, submission, rubric, rows),
        attempts=_attempts(session, submission),
        credential_id=credential.id if credential else None,
        credential_state=credential.state if credential else None,
        expected_by=expected_by(submission, days),
        answer_by=days.after(now, days.answer_within),
        people=people_of(session, submission),
        today=now.date().isoformat(),
    )


def expected_by(submission: Submission, calendar: Calendar) -> datetime | None:
    """Return the day by which a candidate hears; None while nothing is with us."""
    waiting = SubmissionState.PROCESSING, SubmissionState.READY, SubmissionState.IN_ASSESSMENT
    if submission.submitted_at is None or submission.state not in (
        *waiting,
        SubmissionState.MODERATION,
        SubmissionState.HELD,
    ):
        return None
    return calendar.after(submission.submitted_at, calendar.answer_within)


def result_of(session: Session, submission: Submission, rubric: Rubric, rows: list[EvidenceRow]) -> Result | None:
    """Return the released result; nothing of a decision is shown before (rule 6)."""
    if submission.state is not SubmissionState.FINALISED or submission.released_at is None:
        return None
    decision = current_decision(session, submission.id)
    if decision is None:
        return None
    assessment = session.get(Assessment, decision.assessment_id)
    by_id = {str(row.id): row for row in rows}
    return Result(
        outcome=decision.outcome,
        percent=decision.percent,
        criteria=_criteria(decision, rubric, by_id),
        remarks=[
            Remark(_moment(each, by_id), str(each.get("text", "")))
            for each in (assessment.comments if assessment else [])
        ],
        message=assessment.message if assessment else "",
        released_at=submission.released_at,
    )


def _criteria(decision: Decision, rubric: Rubric, rows: dict[str, EvidenceRow]) -> list[CriterionResult]:
    scores = {str(score["criterion"]): score for score in decision.scores}
    found = []
    for criterion in rubric.criteria:
        score = scores.get(criterion.code)
        if score is None:
            continue
        level = int(score["level"])
        moments = [_moment(each, rows) for each in score.get("moments") or []]
        found.append(
            CriterionResult(
                criterion=criterion,
                level=level,
                label=rubric.scale[level].label,
                note=str(score.get("note") or ""),
                moments=[each for each in moments if each is not None],
                met=level >= criterion.min_level,
            )
        )
    return found


def _moment(body: dict[str, Any], rows: dict[str, EvidenceRow]) -> Moment | None:
    row = rows.get(str(body.get("evidence_id")))
    if row is None or body.get("start_ms") is None:
        return None
    end = body.get("end_ms")
    return Moment(row.id, row.number, int(body["start_ms"]), None if end is None else int(end), row.is_media)


def _credential(session: Session, submission_id: UUID) -> Credential | None:
    return session.exec(
        select(Credential).where(
            Credential.submission_id == submission_id, col(Credential.state) != CredentialState.SUPERSEDED
        )
    ).first()


def _attempts(session: Session, submission: Submission) -> list[Attempt]:
    """Return the other attempts of the same candidate at the same rubric, newest first."""
    others = session.exec(
        select(Submission)
        .where(
            Submission.candidate_id == submission.candidate_id,
            Submission.organisation_id == submission.organisation_id,
            Submission.rubric_code == submission.rubric_code,
            Submission.attempt != submission.attempt,
        )
        .order_by(col(Submission.attempt).desc(), col(Submission.created_at).desc())
    ).all()
    attempts = []
    for other in others:
        decision = current_decision(session, other.id) if other.state is SubmissionState.FINALISED else None
        when = other.released_at or other.submitted_at or other.created_at
        attempts.append(Attempt(other.id, other.attempt, other.state, decision.outcome if decision else None, when))
    return attempts
