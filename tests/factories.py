"""One function per thing, with sensible defaults; a test names only the facts that decide."""

import itertools
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

import app.demo
from app.accounts.models import Organisation, Person
from app.accounts.people import NewPerson, add_organisation, add_person
from app.accounts.sign_in import make_token
from app.actor import Role, Scope
from app.assessments.models import Assessment, Decision
from app.evidence.models import Evidence, Involvement, Submission
from app.evidence.states import EvidenceKind, EvidenceState, Outcome, Part, SubmissionState
from app.frameworks.exchange import import_file, read_file
from app.frameworks.models import RubricVersion
from app.review.models import Claim
from tests.conftest import NOW

_numbers = itertools.count(1)


def an_organisation(session: Session, *, code: str | None = None, name: str = "Test Institute") -> Organisation:
    return add_organisation(session, code=code or f"institute-{next(_numbers)}", name=name, now=NOW, country="EG")


def a_person(
    session: Session,
    organisation: Organisation,
    *roles: Role,
    name: str | None = None,
    rubrics: tuple[str, ...] | None = None,
) -> Person:
    number = next(_numbers)
    new = NewPerson(email=f"person{number}@example.org", name=name or f"Person {number}", roles=roles, rubrics=rubrics)
    return add_person(session, organisation_id=organisation.id, new=new, now=NOW)


def a_token(
    session: Session, person: Person, organisation: Organisation, *, scopes: tuple[Scope, ...] | None = None
) -> str:
    return make_token(session, person=person, organisation_id=organisation.id, now=NOW, scopes=scopes)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def far_future() -> datetime:
    return NOW.replace(year=2040)


def demo_content() -> dict[str, Any]:
    """Return the demo frameworks, rubrics and plans that ship with Assay."""
    content: dict[str, Any] = json.loads((Path(app.demo.__file__).parent / "demo-frameworks.json").read_text())
    return content


def a_rubric(session: Session, organisation: Organisation, *, code: str = "teller-service-call") -> RubricVersion:
    """Return a published rubric of the demo file, imported into this organisation at first use."""
    query = select(RubricVersion).where(RubricVersion.organisation_id == organisation.id, RubricVersion.code == code)
    if session.exec(query).first() is None:
        import_file(session, file=read_file(demo_content()), organisation_id=organisation.id, now=NOW)
        session.flush()
    return session.exec(query).one()


def a_submission(
    session: Session,
    organisation: Organisation,
    *,
    candidate: Person | None = None,
    rubric: RubricVersion | None = None,
    state: SubmissionState = SubmissionState.READY,
    ready_at: datetime = NOW,
    language: str = "en",
    attempt: int = 1,
    duration_ms: int = 180_000,
) -> Submission:
    """Return a submission with one ready recording, as the pipeline leaves it."""
    candidate = candidate or a_person(session, organisation, Role.CANDIDATE)
    rubric = rubric or a_rubric(session, organisation)
    submission = Submission(
        organisation_id=organisation.id,
        candidate_id=candidate.id,
        rubric_id=rubric.id,
        rubric_code=rubric.code,
        rubric_major=rubric.major,
        rubric_content_hash=rubric.content_hash,
        language=language,
        attempt=attempt,
        state=state,
        created_at=NOW,
        submitted_at=NOW,
        ready_at=ready_at,
    )
    session.add(submission)
    session.flush()
    session.add(Involvement(submission_id=submission.id, person_id=candidate.id, part=Part.CANDIDATE, since=NOW))
    session.add(
        Evidence(
            organisation_id=organisation.id,
            submission_id=submission.id,
            position=1,
            kind=EvidenceKind.AUDIO,
            name="call.flac",
            media_type="audio/flac",
            state=EvidenceState.READY,
            object_key=f"e/{submission.id}",
            sha256="ab" * 32,
            size_bytes=1000,
            duration_ms=duration_ms,
            created_at=NOW,
        )
    )
    session.flush()
    return submission


def a_judgement(
    evidence_id: object, *, level: int = 2, codes: str = "ID LI AC EM NX CL", **more: object
) -> dict[str, Any]:
    """Return a complete body for `send`: every criterion at one level, each with a moment."""
    moment = {"evidence_id": str(evidence_id), "start_ms": 1000, "end_ms": 5000}
    return {
        "vacs": {"valid": True, "authentic": True, "current": True, "sufficient": True},
        "scores": [{"criterion": code, "level": level, "moments": [moment]} for code in codes.split()],
        "message": "Well done." if level >= 2 else "Send a call in which you check the identity first.",
        **more,
    }


def a_result(
    session: Session,
    submission: Submission,
    *,
    assessor: Person,
    outcome: Outcome = Outcome.COMPETENT,
    level: int = 2,
    message: str = "Well done.",
) -> Decision:
    """Finalise a submission with every criterion at one level, a moment each, and one comment."""
    rubric = session.get_one(RubricVersion, submission.rubric_id)
    evidence = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).first()
    place = {"evidence_id": str(evidence.id), "start_ms": 64_000, "end_ms": 70_000} if evidence else None
    scores = [
        {"criterion": each["code"], "level": level, "note": "Seen here.", "moments": [place] if place else []}
        for each in rubric.body["criteria"]
    ]
    claim = Claim(
        organisation_id=submission.organisation_id,
        submission_id=submission.id,
        person_id=assessor.id,
        created_at=NOW,
        expires_at=NOW,
        ended_at=NOW,
    )
    session.add(claim)
    session.flush()
    shared: dict[str, Any] = {"organisation_id": submission.organisation_id, "submission_id": submission.id}
    vacs = {"valid": True, "authentic": True, "current": True, "sufficient": True}
    assessment = Assessment(
        **shared,
        claim_id=claim.id,
        assessor_id=assessor.id,
        part=Part.FIRST,
        attempt=submission.attempt,
        rubric_content_hash=submission.rubric_content_hash,
        evidence_digests=[],
        vacs=vacs,
        scores=scores,
        comments=[{**place, "text": "Good question here."}] if place else [],
        message=message,
        outcome=outcome.value,
        percent="200/3",
        record_sha256="cd" * 32,
        locked_at=NOW,
    )
    session.add(assessment)
    session.flush()
    decision = Decision(
        **shared,
        assessment_id=assessment.id,
        outcome=outcome,
        percent="200/3",
        scores=scores,
        vacs=vacs,
        decided_at=NOW,
    )
    submission.state, submission.decided_at, submission.released_at = SubmissionState.FINALISED, NOW, NOW
    session.add_all([decision, submission])
    session.flush()
    return decision
