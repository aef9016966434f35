"""Evidence whose job will never come is begun again or ended; what failed is retried by its operator."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence, EvidenceStage
from app.evidence.reconciling import OUR_FAULT, reconcile, retry_failed_evidence
from app.evidence.states import EvidenceState, StageName, StageState, SubmissionState
from app.jobs.models import Job, JobState
from app.jobs.service import retry_failed
from tests.conftest import NOW
from tests.factories import a_submission, an_organisation

LATER = NOW + timedelta(minutes=6)


def in_work(session: Session) -> Evidence:
    submission = a_submission(session, an_organisation(session), state=SubmissionState.PROCESSING)
    evidence = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).one()
    evidence.state = EvidenceState.PROCESSING
    stages.begin(session, evidence, now=NOW, skipped=[StageName.SCAN])
    processing.start(session, evidence, now=NOW)
    return evidence


@pytest.fixture
def evidence_id(engine: Engine) -> UUID:
    with writing(engine) as session:
        return in_work(session).id


def look(engine: Engine, now=LATER) -> list[UUID]:
    return reconcile(engine, now=now, go_on=lambda: None)


def evidence(engine: Engine, evidence_id: UUID) -> Evidence:
    with reading(engine) as session:
        return session.get_one(Evidence, evidence_id)


def job_states(engine: Engine) -> dict[str, JobState]:
    """Return the states of the inspections, by generation."""
    with reading(engine) as session:
        jobs = session.exec(select(Job).where(col(Job.id).startswith("inspect:")))
        return {job.id.rpartition(":")[2]: job.state for job in jobs}


def test_what_waits_for_a_living_job_is_left_alone(engine: Engine, evidence_id: UUID) -> None:
    assert look(engine) == []
    assert evidence(engine, evidence_id).generation == 1


def test_what_lost_its_job_begins_again_after_a_while(engine: Engine, evidence_id: UUID) -> None:
    with writing(engine) as session:
        session.connection().execute(delete(Job))
    assert look(engine, NOW) == []
    assert look(engine) == [evidence_id]
    assert look(engine, LATER + timedelta(minutes=6)) == []
    assert (evidence(engine, evidence_id).generation, job_states(engine)) == (2, {"2": JobState.TODO})
    with reading(engine) as session:
        assert verify(session).ok


def test_what_was_given_up_in_silence_ends_so_that_its_candidate_can_go_on(engine: Engine, evidence_id: UUID) -> None:
    with writing(engine) as session:
        session.exec(select(Job)).one().state = JobState.FAILED
    assert look(engine) == [evidence_id]
    found = evidence(engine, evidence_id)
    assert (found.state, (found.reason or {})["code"]) == (EvidenceState.FAILED, OUR_FAULT.code)


def test_what_plays_goes_on_without_its_words(engine: Engine, evidence_id: UUID) -> None:
    with writing(engine) as session:
        session.connection().execute(delete(Job))
        for stage in session.exec(select(EvidenceStage).where(col(EvidenceStage.evidence_id) == evidence_id)):
            if stage.name is not StageName.TRANSCRIBE:
                stage.state = StageState.DONE
    assert look(engine) == [evidence_id]
    assert evidence(engine, evidence_id).state is EvidenceState.READY


def test_an_operator_begins_again_with_all_that_failed(engine: Engine, evidence_id: UUID) -> None:
    with writing(engine) as session:
        session.exec(select(Job)).one().state = JobState.FAILED
        key = processing.Key(evidence_id, 1)
        processing.failed(session, key, StageName.INSPECT, OUR_FAULT, now=NOW)
    with writing(engine) as session:
        assert retry_failed_evidence(session, now=LATER) == [evidence_id]
        assert retry_failed(session, now=LATER) == []
    assert evidence(engine, evidence_id).state is EvidenceState.PROCESSING
    assert job_states(engine) == {"1": JobState.CANCELLED, "2": JobState.TODO}
