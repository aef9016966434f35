"""An embedded installation is copied into PostgreSQL and S3, killed in the middle, and goes on there."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import psycopg
import pytest
import urllib3
from sqlalchemy.engine import make_url
from sqlmodel import select

from app.audit.service import append, verify
from app.db.engine import make_engine, reading, writing
from app.errors import AssayError
from app.evidence.adding import new_key
from app.evidence.models import Evidence, Rendition, Submission
from app.evidence.states import RenditionKind
from app.jobs import presence
from app.jobs.catalog import DECIDE_LOT
from app.jobs.engine import Timing
from app.jobs.models import Job
from app.jobs.service import enqueue
from app.jobs.sweep import sweep
from app.moving.copying import copy
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage import embedded, weed
from app.storage.client import Storage
from app.storage.embedded import wait_for
from app.supervisor import folder
from tests import postgres
from tests.cli.running import Shell
from tests.conftest import NOW
from tests.factories import a_submission, an_organisation
from tests.outside import Outside

MIB = 1024**2
JOBS = 1200
SUBMISSIONS = 40
BROWSER = urllib3.PoolManager(retries=False)


@dataclass
class Move:
    """Where from and where to."""

    shell: Shell
    database: str
    outside: Outside
    bucket: str

    @property
    def options(self) -> list[str]:
        return ["--to", self.database, "--s3-endpoint", self.outside.endpoint_url, "--s3-bucket", self.bucket]

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": "AKADMIN", "AWS_SECRET_ACCESS_KEY": "secret of admin"}

    def copy(self, *more: str) -> tuple[int, str, str]:
        done = self.shell.assay("copy", *self.options, *more, **self.environment)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def refusal(self, **target: str) -> str:
        """Return why a copy does not begin; in this process, which is quicker."""
        with pytest.raises(AssayError) as refused:
            copy(Settings(data_dir=self.shell.data_dir), self.settings.model_copy(update=target), say=print)
        return str(refused.value)

    def start(self) -> Popen[bytes]:
        return self.shell.start("copy", *self.options, **self.environment)

    def rows(self, query: str) -> list[tuple[int]]:
        with self.target() as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]  # ours

    def target(self) -> psycopg.Connection[tuple[int]]:
        return psycopg.connect(make_url(self.database).set(drivername="postgresql").render_as_string(False))

    @property
    def settings(self) -> Settings:
        """Settings of a site on the new side."""
        admin = self.outside.settings("admin", s3_bucket=self.bucket)
        return Settings(data_dir=self.shell.data_dir / "new", database_url=self.database, **admin)


@pytest.fixture
def move(tmp_path: Path, postgres_server: postgres.Server, outside_storage: Outside) -> Iterator[Move]:
    url = postgres_server.make_empty()
    yield Move(Shell(tmp_path), url, outside_storage, f"copy-{uuid4().hex[:12]}")
    postgres_server.drop(url)


def fill(data_dir: Path) -> None:
    """Make a small installation: submissions with their objects, attempts that follow others, jobs, a trail, keys."""
    settings = Settings(data_dir=data_dir)
    engine = make_engine(settings.database)
    migrate(engine)
    started = embedded.start(data_dir, origin="http://127.0.0.1:8000")
    storage = Storage(settings.model_copy(update=embedded.addresses(started.server)))
    with writing(engine) as session:
        organisation = an_organisation(session)
        before: Submission | None = None
        for number in range(SUBMISSIONS):
            submission = a_submission(session, organisation, attempt=number + 1)
            submission.follows = before.id if before else None
            session.add(submission)
            session.flush()
            before = submission
            evidence = session.exec(select(Evidence).where(Evidence.submission_id == submission.id)).one()
            content = os.urandom(20 * MIB if number == 0 else 2 * MIB)
            evidence.object_key = new_key(organisation.id, evidence.id)
            evidence.sha256, evidence.size_bytes = hashlib.sha256(content).hexdigest(), len(content)
            storage.put_bytes(evidence.object_key, content, media_type="audio/flac")
            made = f"نص {number}".encode()
            rendition = Rendition(
                evidence_id=evidence.id,
                kind=RenditionKind.CAPTIONS,
                media_type="text/vtt",
                size_bytes=len(made),
                sha256=hashlib.sha256(made).hexdigest(),
                object_key=f"{evidence.object_key}-captions",
            )
            storage.put_bytes(rendition.object_key, made, media_type="text/vtt")
            session.add_all([evidence, rendition])
        for number in range(JOBS):
            enqueue(session, DECIDE_LOT, job_id=f"decide:{number}", args={"lot_id": str(uuid4())}, now=NOW)
        for number in range(3):
            append(session, action="lot.opened", subject=f"lot:{number}", now=NOW, body={"عدد": number, "x": 0.5})
    kill(started.process)  # a copy takes what a machine left that lost its power
    engine.dispose()
    (settings.keys).mkdir(mode=0o700)
    (settings.keys / "receipt.ed25519.pem").write_text("a key")


def kill(process: Popen[bytes]) -> None:
    """End it at once, and the storage that it started dies with it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_copy_goes_on_and_ends_with_the_same_installation(move: Move) -> None:
    fill(move.shell.data_dir)
    _kill_among_the_objects(move)
    _kill_among_the_rows(move)
    status, said, error = move.copy("--json", "--keys", str(move.shell.data_dir / "mounted"))
    assert (status, error) == (0, "")
    report = json.loads(said)
    assert report["ok"]
    assert (report["rows"]["submission"], report["rows"]["job"]) == (SUBMISSIONS, JOBS)
    assert (report["objects"], report["differing"]) == (2 * SUBMISSIONS, [])
    assert report["audit"]["ok"]
    assert (move.shell.data_dir / "mounted" / "receipt.ed25519.pem").stat().st_mode & 0o777 == 0o600
    _works_there(move, head=report["audit"]["head"])
    assert "finished copy" in move.refusal()


def _kill_among_the_objects(move: Move) -> None:
    process = move.start()

    def some() -> bool:
        assert process.poll() is None, move.shell.said.read_text()
        with move.target() as connection:
            if connection.execute("SELECT to_regclass('assay_copy_object')").fetchone() == (None,):
                return False
            return connection.execute("SELECT count(*) FROM assay_copy_object").fetchone() >= (3,)

    assert wait_for(some, 60), move.shell.said.read_text()
    kill(process)
    assert 3 <= move.rows("SELECT count(*) FROM assay_copy_object")[0][0] < 2 * SUBMISSIONS


def _kill_among_the_rows(move: Move) -> None:
    """Kill it while it waits for a table that somebody has locked."""
    with move.target() as locked:
        locked.execute("LOCK TABLE evidence IN EXCLUSIVE MODE")
        process = move.start()

        def waiting() -> bool:
            assert process.poll() is None, move.shell.said.read_text()
            return bool(move.rows("SELECT pid FROM pg_locks WHERE NOT granted"))

        assert wait_for(waiting, 60), move.shell.said.read_text()
        kill(process)
    assert move.rows("SELECT count(*) FROM job")[0] == (JOBS,)
    assert move.rows("SELECT count(*) FROM evidence")[0] == (0,)
    assert "going on" in move.shell.said.read_text()


def _works_there(move: Move, *, head: str) -> None:
    """The trail goes on behind the same head, and what a candidate sent can be seen."""
    engine, storage = make_engine(move.database), Storage(move.settings)
    placed: list[str] = []
    with writing(engine) as session:
        append(session, action="lot.opened", subject="lot:new", now=NOW, then=lambda act: placed.append(act.prev))
    assert placed == [head]
    while sweep(engine, Timing()):
        pass
    assert move.rows("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")[0] == (JOBS,)
    with reading(engine) as session:
        assert verify(session).ok
        evidence = session.exec(select(Evidence).order_by(Evidence.size_bytes)).all()[-1]  # type: ignore[arg-type]
        assert session.get(Job, "decide:0") is not None
        assert session.exec(select(Submission).where(Submission.attempt == SUBMISSIONS)).one().follows is not None
    seen = BROWSER.request("GET", storage.sign_get(evidence.object_key, life=timedelta(minutes=5))).data
    assert (len(seen), hashlib.sha256(seen).hexdigest()) == (20 * MIB, evidence.sha256)
    engine.dispose()


def test_what_is_in_use_or_not_empty_is_refused(move: Move) -> None:
    data_dir = move.shell.data_dir
    assert "no embedded installation" in move.refusal()
    (data_dir / "storage").mkdir()
    weed.keep_keys(data_dir / "storage")
    file = Path(Settings(data_dir=data_dir).database.removeprefix("sqlite:///"))
    for url in (f"sqlite:///{file}", move.database):
        engine = make_engine(url)
        migrate(engine)
        with writing(engine) as session:
            an_organisation(session)
        engine.dispose()
    with folder.lock(data_dir):
        assert "already runs" in move.refusal()
    worker = presence.lock(file.with_name(f"{file.name}.worker"))
    assert worker is not None
    with worker:
        assert "worker runs" in move.refusal()
    assert "not empty" in move.refusal()
    assert "postgresql+psycopg" in move.refusal(database_url="sqlite:///other")


def test_a_bucket_with_evidence_of_somebody_else_is_refused(move: Move) -> None:
    data_dir = move.shell.data_dir
    (data_dir / "storage").mkdir()
    weed.keep_keys(data_dir / "storage")
    engine = make_engine(Settings(data_dir=data_dir).database)
    migrate(engine)
    engine.dispose()
    theirs = Storage(move.settings)
    theirs.client.create_bucket(Bucket=move.bucket)
    theirs.put_bytes("e/theirs", b"evidence", media_type="text/plain")
    assert "holds evidence" in move.refusal()
    assert theirs.keys("e/") == ["e/theirs"]
