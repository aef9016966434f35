"""Two windows, two workers, one submission: each thing happens once and nobody waits for ever."""

from sqlalchemy import Engine
from sqlmodel import Session, func, select
from starlette.testclient import TestClient

from app.audit.service import verify
from app.db.engine import reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence, Receipt, Submission
from app.evidence.processing import Key
from app.evidence.states import EvidenceKind, EvidenceState, StageName, SubmissionState
from app.ids import new_id
from app.storage.client import Storage
from tests.conftest import NOW
from tests.evidence.conftest import CONSENTS, Candidate, a_candidate
from tests.evidence.test_processing import PLAYABLE
from tests.evidence.test_resubmitting import decided
from tests.factories import a_submission, an_organisation
from tests.races import at_once
from tests.validation.stories import BAD, a_house

SENT = {"declaration": True, "consents": CONSENTS}


def count(engine: Engine, table: type) -> int:
    with reading(engine) as session:
        return session.exec(select(func.count()).select_from(table)).one()


def a_written(candidate: Candidate) -> str:
    submission_id = candidate.submission()
    text = {"kind": "text", "text": "word " * 200}
    assert candidate.post(f"/submissions/{submission_id}/evidence", text).status_code == 201
    return submission_id


def test_of_two_sendings_one_is_taken(client: TestClient, engine: Engine, stored: Storage):
    writer = a_candidate(engine, client, kinds=["text", "audio"])
    submission_id = a_written(writer)
    answers = at_once([lambda: writer.post(f"/submissions/{submission_id}/submit", SENT)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert count(engine, Receipt) == 1


def test_of_two_windows_that_write_a_text_anew_one_does(client: TestClient, engine: Engine, stored: Storage):
    writer = a_candidate(engine, client, kinds=["text", "audio"])
    submission_id = a_written(writer)
    (old,) = writer.get(f"/submissions/{submission_id}").json()["evidence"]
    path = f"/submissions/{submission_id}/evidence"
    body = {"kind": "text", "text": "other " * 200, "replaces": old["id"]}
    answers = at_once([lambda: writer.post(path, body)] * 3)
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404]
    assert len(writer.get(f"/submissions/{submission_id}").json()["evidence"]) == 1


def test_of_two_next_attempts_one_begins(client: TestClient, engine: Engine):
    candidate, submission_id = decided(engine, client, a_house(engine), BAD)
    before = count(engine, Submission)
    answers = at_once([lambda: candidate.post(f"/submissions/{submission_id}/resubmit")] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert count(engine, Submission) == before + 1


def another(session: Session, submission: Submission, position: int) -> Evidence:
    evidence = Evidence(
        id=new_id(),
        organisation_id=submission.organisation_id,
        submission_id=submission.id,
        position=position,
        kind=EvidenceKind.AUDIO,
        name="call.flac",
        media_type="audio/flac",
        object_key=f"e/{new_id()}",
        created_at=NOW,
    )
    session.add(evidence)
    session.flush()
    return evidence


def in_work(session: Session, *, state: SubmissionState, items: int) -> tuple[Submission, list[Key]]:
    submission = a_submission(session, an_organisation(session), state=state)
    first = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).one()
    rows = [first, *(another(session, submission, number) for number in range(2, items + 1))]
    for row in rows:
        row.state = EvidenceState.PROCESSING
        session.add(row)
        stages.begin(session, row, now=NOW, skipped=[StageName.SCAN])
    return submission, [Key(row.id, 1) for row in rows]


def test_the_last_of_several_conversions_makes_the_submission_ready(engine: Engine):
    """None of the workers sees the others' rows before they are stored: one of them must see all."""
    with writing(engine) as session:
        submission, keys = in_work(session, state=SubmissionState.PROCESSING, items=4)

    def convert(key: Key) -> None:
        with writing(engine) as session:
            processing.publish(session, key, [PLAYABLE])
            processing.converted(session, key, now=NOW)

    at_once([lambda key=key: convert(key) for key in keys])
    with reading(engine) as session:
        assert session.get_one(Submission, submission.id).state is SubmissionState.READY
        assert verify(session).ok


def test_a_conversion_and_the_candidate_never_wait_for_each_other(engine: Engine):
    """The worker changes evidence and then looks at the submission, the candidate the other way round."""
    with writing(engine) as session:
        submission, keys = in_work(session, state=SubmissionState.DRAFT, items=1)

    def convert() -> None:
        with writing(engine) as session:
            processing.publish(session, keys[0], [PLAYABLE])
            processing.converted(session, keys[0], now=NOW)

    def freeze() -> None:
        with writing(engine) as session:
            row = session.get_one(Submission, submission.id, with_for_update=True)
            for item in session.exec(select(Evidence).where(Evidence.submission_id == row.id)):
                item.frozen = True
                session.add(item)

    for _ in range(10):
        at_once([convert, freeze])
