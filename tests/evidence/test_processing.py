"""What the pipeline records: states move together with the audit trail, late and foreign results change nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import custody, processing, stages
from app.evidence.models import Evidence, Rendition, Submission
from app.evidence.processing import Inspected, Key, Made
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceState, RenditionKind, StageName, StageState, SubmissionState
from app.jobs.models import Job
from tests.conftest import NOW
from tests.factories import a_submission, an_organisation

BAD = Reason("too-long", "This file is too long.")
PLAYABLE = Made(RenditionKind.PLAYABLE, "audio/mp4", "e/playable", 1_000, "ab" * 32)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with writing(engine) as session:
        yield session
        session.flush()
    with reading(engine) as after:
        assert verify(after).ok


def an_evidence(session: Session, *, submission: SubmissionState, state: EvidenceState) -> Evidence:
    sent = a_submission(session, an_organisation(session), state=submission)
    evidence = session.exec(select(Evidence).where(Evidence.submission_id == sent.id)).one()
    evidence.state = state
    session.add(evidence)
    stages.begin(session, evidence, now=NOW, skipped=[StageName.SCAN])
    return evidence


def waiting(session: Session, *, submission: SubmissionState = SubmissionState.PROCESSING) -> Evidence:
    return an_evidence(session, submission=submission, state=EvidenceState.PROCESSING)


def states(session: Session, evidence: Evidence) -> tuple[EvidenceState, SubmissionState]:
    session.flush()
    session.expire_all()
    return evidence.state, session.get_one(Submission, evidence.submission_id).state


def jobs_of(session: Session, evidence: Evidence) -> set[str]:
    return {job.id.split(":")[0] for job in session.exec(select(Job)) if str(evidence.id) in job.id}


def test_each_step_starts_the_next(session: Session) -> None:
    evidence = waiting(session)
    key = Key(evidence.id, 1)
    processing.start(session, evidence, now=NOW)
    processing.start(session, evidence, now=NOW)
    assert jobs_of(session, evidence) == {"inspect"}
    processing.inspected(session, key, Inspected(sha256="cd" * 32, size_bytes=9, duration_ms=5), now=NOW)
    processing.heard(session, key, silences=[], warnings=["very-quiet"], now=NOW)
    assert jobs_of(session, evidence) == {"inspect", "convert", "transcribe"}
    assert (evidence.sha256, evidence.warnings) == ("cd" * 32, ["not-scanned", "very-quiet"])


@pytest.mark.parametrize("transcript_first", [True, False])
def test_ready_comes_with_whatever_ends_last(session: Session, transcript_first: bool) -> None:
    evidence = waiting(session)
    key = Key(evidence.id, 1)

    def play() -> None:
        processing.publish(session, key, [PLAYABLE])
        processing.converted(session, key, now=NOW)

    def hear() -> None:
        processing.transcribed(session, key, state=StageState.DONE, now=NOW)

    first, last = (hear, play) if transcript_first else (play, hear)
    first()
    assert states(session, evidence)[0] is EvidenceState.PROCESSING
    last()
    assert states(session, evidence) == (EvidenceState.READY, SubmissionState.READY)


def test_a_submission_is_ready_as_soon_as_it_plays(session: Session) -> None:
    evidence = waiting(session)
    processing.publish(session, Key(evidence.id, 1), [PLAYABLE])
    processing.converted(session, Key(evidence.id, 1), now=NOW)
    assert states(session, evidence) == (EvidenceState.PROCESSING, SubmissionState.READY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SubmissionState.PROCESSING, SubmissionState.RETURNED),
        (SubmissionState.DRAFT, SubmissionState.DRAFT),
        (SubmissionState.WITHDRAWN, SubmissionState.WITHDRAWN),
    ],
)
def test_a_bad_file_returns_only_what_was_sent(
    session: Session, before: SubmissionState, after: SubmissionState
) -> None:
    evidence = waiting(session, submission=before)
    processing.rejected(session, Key(evidence.id, 1), StageName.INSPECT, BAD, now=NOW)
    assert states(session, evidence) == (EvidenceState.REJECTED, after)
    assert evidence.reason == BAD.to_json()


def test_what_failed_on_our_side_waits_to_be_tried_again(session: Session) -> None:
    evidence = waiting(session)
    processing.failed(session, Key(evidence.id, 1), StageName.CONVERT, BAD, now=NOW)
    assert states(session, evidence) == (EvidenceState.FAILED, SubmissionState.RETURNED)
    assert {row.name: row.state for row in stages.stages(session, evidence.id)}[
        StageName.TRANSCRIBE
    ] is StageState.WAITING


@pytest.mark.parametrize(
    "late", [Key.from_args({"evidence_id": "00000000-0000-4000-8000-000000000000", "generation": 1}), None]
)
def test_results_of_another_generation_or_evidence_change_nothing(session: Session, late: Key | None) -> None:
    evidence = waiting(session)
    key = late or Key(evidence.id, 2)
    before = len(session.exec(select(AuditEvent)).all())
    processing.inspected(session, key, Inspected(sha256="x", size_bytes=1), now=NOW)
    processing.publish(session, key, [PLAYABLE])
    processing.heard(session, key, silences=[], warnings=[], now=NOW)
    processing.converted(session, key, now=NOW)
    processing.rejected(session, key, StageName.INSPECT, BAD, now=NOW)
    assert states(session, evidence) == (EvidenceState.PROCESSING, SubmissionState.PROCESSING)
    assert session.exec(select(Rendition)).all() == []
    assert jobs_of(session, evidence) == set()
    assert len(session.exec(select(AuditEvent)).all()) == before


@pytest.mark.parametrize(
    ("before", "back"),
    [("ready", "ready"), ("in-assessment", "ready"), ("moderation", "moderation"), ("held", "held")],
)
def test_a_changed_original_takes_the_work_out_of_assessment(session: Session, before: str, back: str) -> None:
    evidence = an_evidence(session, submission=SubmissionState(before), state=EvidenceState.READY)
    assert custody.damaged(session, evidence.id, now=NOW)
    assert not custody.damaged(session, evidence.id, now=NOW)
    assert states(session, evidence) == (EvidenceState.DAMAGED, SubmissionState.UNDER_INVESTIGATION)
    assert session.get_one(Submission, evidence.submission_id).state_before is SubmissionState(back)


def test_what_is_decided_for_good_stays_decided_when_a_file_changes(session: Session) -> None:
    evidence = an_evidence(session, submission=SubmissionState.FINALISED, state=EvidenceState.READY)
    assert custody.damaged(session, evidence.id, now=NOW)
    assert states(session, evidence) == (EvidenceState.DAMAGED, SubmissionState.FINALISED)
