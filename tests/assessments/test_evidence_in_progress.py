"""A transcript that is still being written holds no assessor up: what is judged is the recording."""

from sqlalchemy import Engine
from sqlmodel import select

from app.assessments.service import evidence_lengths
from app.db.engine import reading, writing
from app.evidence.models import Evidence
from app.evidence.states import EvidenceState
from tests.factories import a_submission, an_organisation


def test_evidence_whose_transcript_is_not_there_yet_can_be_judged(engine: Engine) -> None:
    with writing(engine) as session:
        submission = a_submission(session, an_organisation(session))
        (evidence,) = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).all()
        evidence.state = EvidenceState.PROCESSING
        session.add(evidence)
    with reading(engine) as session:
        assert list(evidence_lengths(session, submission.id)) == [evidence.id]


def test_evidence_that_was_refused_is_not_judged(engine: Engine) -> None:
    with writing(engine) as session:
        submission = a_submission(session, an_organisation(session))
        (evidence,) = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).all()
        evidence.state = EvidenceState.DAMAGED
        session.add(evidence)
    with reading(engine) as session:
        assert evidence_lengths(session, submission.id) == {}
