"""`assay credential` as a program, beside the site on the same database: both say the same."""

import json
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.credentials import jobs
from app.db.engine import make_engine
from app.main import create_app
from app.schema.migrate import migrate
from app.settings import Settings
from tests.cli.running import Shell
from tests.credentials.conftest import Story

LINES = ["structure", "context", "proof", "issuer", "status", "validity", "levels", "endorsement"]


@pytest.fixture
def story(tmp_path):
    """A site whose address is the command's own default, with the real clock."""
    settings = Settings(data_dir=tmp_path, s3_endpoint_url="http://localhost:9")
    engine = make_engine(settings.database)
    migrate(engine)
    site = create_app(settings)
    with TestClient(site, base_url="http://127.0.0.1:8000", follow_redirects=False) as client:
        yield Story(engine, settings, client)
    site.state.deps.engine.dispose()
    engine.dispose()


@pytest.fixture
def credential(story):
    submission_id: UUID = story.released()[0]
    jobs.issue(story.engine, story.settings, submission_id=submission_id, now=datetime.now(UTC))
    return story.credential(submission_id)


@pytest.fixture
def shell(tmp_path) -> Shell:
    return Shell(tmp_path)


def test_verify_revoke_and_verify_again(shell, story, credential, tmp_path):
    file = tmp_path / "credential.json"
    file.write_text(credential.document)
    done = shell.assay("credential", "verify", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1].rstrip(":") for line in done.stdout.splitlines()[:-1]] == LINES
    assert done.stdout.splitlines()[-1].startswith("genuine, in force: ")

    by_address = shell.assay("credential", "verify", f"http://127.0.0.1:8000/credentials/{credential.id}", "--json")
    assert by_address.returncode == 0
    posted = story.client.post("/api/v1/verify", files={"file": ("c.json", credential.document)}).json()
    assert json.loads(by_address.stdout) == posted

    later = shell.assay("credential", "verify", str(file), "--now", "2031-01-01T00:00:00Z")
    assert later.returncode == 1
    assert "FAIL  validity" in later.stdout

    revoked = shell.assay("credential", "revoke", str(credential.id), "--reason", "Issued in error", "--json")
    assert revoked.returncode == 0, revoked.stderr
    assert json.loads(revoked.stdout)["state"] == "revoked"
    done = shell.assay("credential", "verify", str(file))
    assert done.returncode == 1
    assert "FAIL  status: It was revoked." in done.stdout
    assert not story.client.post("/api/v1/verify", files={"file": ("c.json", credential.document)}).json()["in_force"]

    again = shell.assay("credential", "revoke", str(credential.id), "--reason", "Again")
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)
    assert shell.assay("credential", "suspend", str(credential.id), "--reason", "No").returncode == 2


def test_bundle_is_checked_without_the_site(shell, credential, tmp_path):
    made = shell.assay("credential", "bundle", str(credential.id), "-o", str(tmp_path / "bundle.zip"))
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "elsewhere"
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(folder)
    stranger = Shell(tmp_path / "stranger")
    for form in ("json", "jwt", "png", "svg"):
        file = str(folder / f"credential.{form}")
        done = stranger.assay("credential", "verify", file, "--offline", str(folder))
        assert done.returncode == 0, (form, done.stdout + done.stderr)
    alone = stranger.assay("credential", "verify", str(folder / "credential.json"), "--json")
    assert (alone.returncode, json.loads(alone.stdout)["verdict"]) == (1, "unknown-issuer")
    assert not (tmp_path / "stranger").exists()
    (folder / "status-list.json").unlink()
    listless = stranger.assay("credential", "verify", str(folder / "credential.json"), "--offline", str(folder))
    assert listless.returncode == 1
    assert "FAIL  status" in listless.stdout


def test_evidence_file_is_recognised_with_its_salt(shell, credential, tmp_path):
    file, recording = tmp_path / "c.json", tmp_path / "call.wav"
    file.write_text(credential.document)
    recording.write_bytes(b"something else")
    command = ("credential", "verify", str(file), "--evidence", str(recording))
    done = shell.assay(*command, "--salt", "00" * 16)
    assert done.returncode == 1
    assert "FAIL  evidence-digest" in done.stdout
    assert shell.assay(*command).returncode == 2


@pytest.mark.parametrize("what", ["missing.json", "http://127.0.0.1:1/x", "ftp://example.org/x"])
def test_misuse_is_one_sentence_and_two(shell, what):
    done = shell.assay("credential", "verify", what)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_changed_file_ends_with_one(shell, credential, tmp_path):
    file = tmp_path / "credential.json"
    file.write_text(credential.document.replace("Customer Service Call", "Customer Service Ca1l", 1))
    done = shell.assay("credential", "verify", str(file))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("not-genuine, not in force")
