"""Software that nobody of this project wrote checks our credentials: npm packages of Digital Bazaar."""

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.credentials import document
from app.credentials.facts import StatusPurpose
from tests.credentials.award import LIST, an_award

FOLDER = Path(__file__).parents[2] / "infra" / "verify"

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")),
    reason="node and npm are not installed: the outside verifier is an npm package",
)


@pytest.fixture(scope="module")
def verifier():
    """Install what the lock file says, once, and return how to start it."""
    if not (FOLDER / "node_modules" / "@digitalbazaar" / "vc").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, capture_output=True)
    return ["node", str(FOLDER / "verify.mjs")]


@pytest.fixture
def award(tmp_path):
    return an_award_of_today(tmp_path)


def an_award_of_today(folder, **facts):
    """The verifier's clock is the machine's."""
    return an_award(folder, at=datetime.now(UTC).replace(microsecond=0), **facts)


@pytest.fixture
def ask(verifier, tmp_path):
    def ask(text, listed):
        (tmp_path / "credential.json").write_text(text)
        (tmp_path / "list.json").write_text(json.dumps(listed))
        command = [*verifier, str(tmp_path / "credential.json"), "--map", f"{LIST}={tmp_path / 'list.json'}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    return ask


@pytest.mark.parametrize("language", ["en", "ar"])
def test_it_accepts_our_credential_with_its_endorsement_and_status(ask, tmp_path, language):
    award = an_award_of_today(tmp_path, language=language)
    answer = ask(award.text(), award.status_list())
    assert answer["verified"], answer
    assert answer["inForce"] is True
    assert [one["verified"] for one in answer["endorsements"]] == [True]


def test_it_refuses_one_changed_character(ask, award):
    changed = award.text().replace("Customer Service Call", "Customer Service Ca1l", 1)
    answer = ask(changed, award.status_list())
    assert not answer["verified"]
    assert not answer["proof"]


@pytest.mark.parametrize("purpose", list(StatusPurpose))
def test_it_refuses_a_revoked_or_suspended_one(ask, tmp_path, purpose):
    award = an_award_of_today(tmp_path, purpose=purpose)
    answer = ask(award.text(), award.status_list(award.facts.status.index))
    assert not answer["verified"]
    assert answer["proof"] is True
    assert answer["inForce"] is False
    assert answer["statuses"] == [{"verified": True, "status": True}]


def test_it_refuses_a_status_list_that_somebody_else_signed(ask, award, tmp_path):
    stranger = an_award_of_today(tmp_path / "stranger")
    assert not ask(award.text(), stranger.status_list())["verified"]


def test_it_reads_awkward_texts_as_we_do(ask, award):
    """Texts on which canonicalisers are known to disagree, after our filter (credentials.md section 6)."""
    awkward = 'tab\there \x08\x7f cr\r\nlf \u200fعربي\u2028 \ufb50 🎓 e\u0301 \\ " ]]> <b>&amp;'
    unsigned = {**document.credential(award.facts), "name": awkward, "description": awkward}
    text = json.dumps(award.sign(unsigned), ensure_ascii=False)
    assert ask(text, award.status_list())["verified"]
