"""The jobs that share the picture of a long video: each is there once, and the last one has the pieces joined."""

from threading import Thread

from sqlalchemy import Engine
from sqlmodel import col, select, update
from starlette.testclient import TestClient

from app.db.engine import reading, writing
from app.evidence import sharing
from app.evidence.adding import prefix_of
from app.evidence.models import Evidence
from app.evidence.processing import Key
from app.evidence.states import StageName
from app.evidence.tidying import tidy
from app.jobs.models import Job, JobState
from app.storage.client import Storage
from tests.conftest import NOW
from tests.evidence.conftest import a_candidate
from tests.evidence.test_receipts import SOUND, inspect


def jobs_of(engine: Engine, act: str) -> dict[str, JobState]:
    with reading(engine) as session:
        rows = session.exec(select(Job).where(col(Job.id).startswith(act + ":"))).all()
        return {row.id.split(":")[-1]: row.state for row in rows}


def shared(engine: Engine, client: TestClient, *, jobs: int) -> Key:
    candidate = a_candidate(engine, client)
    key = inspect(engine, candidate.upload(candidate.submission(), SOUND))
    for _ in range(2):  # an attempt that was killed after its unit does it again
        with writing(engine) as session:
            sharing.share_out(session, key, jobs=jobs, now=NOW)
    return key


def end(engine: Engine, key: Key, share: int) -> None:
    """Do what a job does at its end, in one unit."""
    with writing(engine) as session:
        mine = col(Job.id) == f"convert-pieces:{key.evidence_id}:1:{share}"
        session.connection().execute(update(Job).where(mine).values(state=JobState.DONE, progress=1.0))
        sharing.pieces_done(session, key, now=NOW)


def test_pieces_are_joined_once_when_the_last_of_their_jobs_is_done(
    engine: Engine, client: TestClient, stored: Storage
):
    key = shared(engine, client, jobs=3)
    assert jobs_of(engine, "convert-pieces") == dict.fromkeys("012", JobState.TODO)
    end(engine, key, 1)
    with reading(engine) as session:
        assert sharing.shared_progress(session, key) == 1 / 3
    ending = [Thread(target=end, args=(engine, key, share)) for share in (0, 2)]  # both at once
    for thread in ending:
        thread.start()
    for thread in ending:
        thread.join()
    assert jobs_of(engine, "join-pieces") == {"1": JobState.TODO}


def test_pieces_in_use_are_no_leftovers(engine: Engine, client: TestClient, stored: Storage):
    """The tidying of an earlier generation may come late: while the pieces are being made nothing is deleted."""
    key = shared(engine, client, jobs=2)
    with reading(engine) as session:
        evidence = session.get_one(Evidence, key.evidence_id)
        piece = prefix_of(evidence.organisation_id, evidence.id) + "pieces-1/0000.ts"
    stored.put_bytes(piece, b"1", media_type="video/mp2t")
    assert tidy(engine, stored, key=key, stage=StageName.CONVERT, look=1, now=NOW) == 0
    assert stored.head(piece) is not None
