"""Decisions, lots and validators for tests: what happened before a test begins, through the real services."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, col, select

import app.demo
from app.accounts.models import Organisation, Person
from app.actor import Role
from app.assessments.models import Assessment, Decision
from app.assessments.rules import Vacs, fraction_text, judge, rubric_rules
from app.db.engine import reading, writing
from app.evidence.models import Evidence, Involvement, Submission
from app.evidence.states import EvidenceKind, EvidenceState, Outcome, Part, SubmissionState
from app.frameworks.exchange import import_file, read_file
from app.frameworks.models import RubricVersion
from app.ids import new_id
from app.jobs.models import Job, JobState
from app.review.models import Claim
from app.validation import jobs
from app.validation.lots import ensure_open_lot, join_lot
from app.validation.models import Lot
from app.validation.plans import SamplingPlan
from app.validation.policies import set_plan
from tests.conftest import NOW
from tests.factories import a_person, a_token, an_organisation, bearer

DEMO = json.loads((Path(app.demo.__file__).parent / "demo-frameworks.json").read_text("utf-8"))
PLAN = DEMO["sampling_plans"][0]
NO_PROBATION = {"tiers": PLAN["tiers"] | {"probation": None}, "mandatory": []}
GOOD = {"ID": 2, "LI": 2, "AC": 2, "EM": 2, "NX": 2, "CL": 2}
BAD = GOOD | {"ID": 1}
ALL_YES = {"valid": True, "authentic": True, "current": True, "sufficient": True}


@dataclass
class House:
    """An organisation with the demonstration rubrics and one person of each kind."""

    engine: object
    organisation: Organisation
    rubric: RubricVersion
    assessor: Person
    validator: Person
    lead: Person
    tokens: dict[UUID, str] = field(default_factory=dict)

    def headers(self, person: Person) -> dict[str, str]:
        return bearer(self.tokens[person.id])

    def join(self, *roles: Role, rubrics: tuple[str, ...] | None = None) -> Person:
        with writing(self.engine) as session:
            person = a_person(session, self.organisation, *roles, rubrics=rubrics)
            self.tokens[person.id] = a_token(session, person, self.organisation)
            return person

    def plan(self, *, rubric: str | None = None, now: datetime = NOW, **changes: object) -> None:
        body = SamplingPlan.model_validate(PLAN | changes)
        with writing(self.engine) as session:
            set_plan(session, organisation_id=self.organisation.id, rubric_code=rubric, plan=body, now=now)

    def decide(self, scores: dict[str, int] = GOOD, *, now: datetime = NOW, **options: object) -> UUID:
        """Let the assessor decide on a new submission; it joins the lot."""
        with writing(self.engine) as session:
            return a_decision(session, self, scores=scores, now=now, **options)

    def decided(self, *all_scores: dict[str, int]) -> list[UUID]:
        return [self.decide(scores) for scores in all_scores]

    def lot(self) -> Lot:
        """Return the newest lot."""
        with reading(self.engine) as session:
            return session.exec(select(Lot).order_by(col(Lot.opened_audit_seq).desc())).first()

    def run_jobs(self, *, now: datetime = NOW) -> list[str]:
        """Do what a worker would do with the lot jobs that wait; returns the names of all other waiting jobs."""
        waiting = select(Job).where(Job.state == JobState.TODO).order_by(Job.id)
        with writing(self.engine) as session:
            for job in session.exec(waiting.where(Job.name == "validation.decide-lot")).all():
                jobs.decide_lot(session, lot_id=UUID(str(job.args["lot_id"])), now=now)
                job.state = JobState.DONE
            return [job.id for job in session.exec(waiting)]


def a_house(engine: object) -> House:
    with writing(engine) as session:
        organisation = an_organisation(session)
        import_file(session, file=read_file(DEMO), organisation_id=organisation.id, now=NOW)
        rubric = session.exec(select(RubricVersion).where(RubricVersion.code == "teller-service-call")).one()
        house = House(
            engine=engine,
            organisation=organisation,
            rubric=rubric,
            assessor=a_person(session, organisation, Role.ASSESSOR),
            validator=a_person(session, organisation, Role.VALIDATOR),
            lead=a_person(session, organisation, Role.LEAD_VALIDATOR),
        )
        for person in (house.assessor, house.validator, house.lead):
            house.tokens[person.id] = a_token(session, person, organisation)
        return house


def a_decision(
    session: Session,
    house: House,
    *,
    scores: dict[str, int],
    now: datetime,
    candidate: Person | None = None,
    assessor: Person | None = None,
    scoring_minutes: int = 10,
    **facts: object,
) -> UUID:
    candidate = candidate or a_person(session, house.organisation, Role.CANDIDATE)
    assessor = assessor or house.assessor
    submission = a_submission(session, house, candidate=candidate, now=now, **facts)
    started = now - timedelta(minutes=scoring_minutes)
    lot_opened_at = ensure_open_lot(session, assessor_id=assessor.id, rubric=house.rubric, now=started)
    assert lot_opened_at is not None
    claim = Claim(
        id=new_id(),
        organisation_id=house.organisation.id,
        submission_id=submission.id,
        person_id=assessor.id,
        created_at=started,
        expires_at=now,
        ended_at=now,
    )
    session.add(claim)
    session.add(Involvement(submission_id=submission.id, person_id=assessor.id, part=Part.FIRST, since=started))
    session.flush()
    decision = _lock(session, house, submission=submission, claim=claim, scores=scores, now=now)
    join_lot(session, decision=decision, now=now)
    return submission.id


def a_submission(session: Session, house: House, *, candidate: Person, now: datetime, **facts: object) -> Submission:
    submission = Submission(
        id=new_id(),
        organisation_id=house.organisation.id,
        candidate_id=candidate.id,
        rubric_id=house.rubric.id,
        rubric_code=house.rubric.code,
        rubric_major=house.rubric.major,
        rubric_content_hash=house.rubric.content_hash,
        language="en",
        created_at=now,
        **({"state": SubmissionState.HELD} | facts),
    )
    session.add(submission)
    session.flush()
    session.add(Involvement(submission_id=submission.id, person_id=candidate.id, part=Part.CANDIDATE, since=now))
    session.add(
        Evidence(
            organisation_id=house.organisation.id,
            submission_id=submission.id,
            position=1,
            kind=EvidenceKind.AUDIO,
            name="my-own-name.m4a",
            media_type="audio/mp4",
            state=EvidenceState.READY,
            object_key=str(new_id()),
            sha256="0" * 64,
            size_bytes=1000,
            duration_ms=180_000,
            created_at=now,
        )
    )
    session.flush()
    return submission


def sent_scores(levels: dict[str, int], note: str = "Heard at the start.") -> list[dict[str, object]]:
    return [{"criterion": code, "level": level, "note": note} for code, level in levels.items()]


def _lock(
    session: Session, house: House, *, submission: Submission, claim: Claim, scores: dict[str, int], now: datetime
) -> Decision:
    judged = judge(rubric_rules(house.rubric.body), scores=scores, vacs=Vacs(**ALL_YES))
    stored = sent_scores(scores, note="The assessor's own words.")
    assessment = Assessment(
        id=new_id(),
        organisation_id=house.organisation.id,
        submission_id=submission.id,
        claim_id=claim.id,
        assessor_id=claim.person_id,
        part=Part.FIRST,
        attempt=submission.attempt,
        rubric_content_hash=submission.rubric_content_hash,
        evidence_digests=[],
        vacs=ALL_YES,
        scores=stored,
        message="The assessor's message.",
        outcome=judged.outcome,
        percent=fraction_text(judged.percent),
        borderline=judged.borderline,
        record_sha256="0" * 64,
        locked_at=now,
    )
    session.add(assessment)
    session.flush()
    decision = Decision(
        id=new_id(),
        organisation_id=house.organisation.id,
        submission_id=submission.id,
        assessment_id=assessment.id,
        outcome=Outcome(judged.outcome),
        percent=assessment.percent,
        borderline=judged.borderline,
        scores=stored,
        vacs=ALL_YES,
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    return decision
