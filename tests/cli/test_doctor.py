"""`assay doctor` against a real storage server and a real database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.checks.machine import check_disk, check_keys
from app.storage import embedded
from tests.cli.running import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    started = embedded.start(tmp_path, origin="http://127.0.0.1:8000")
    shell = Shell(tmp_path)
    shell.assay("init")
    yield shell
    embedded.stop(started)


def states(answer: str) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(answer)["checks"]}


@pytest.mark.speech
def test_a_machine_in_order_has_nothing_to_complain_about(shell: Shell) -> None:
    answer = shell.assay("doctor", "--json")
    assert set(states(answer.stdout).values()) <= {"ok", "warn"}, answer.stdout
    assert states(answer.stdout)["storage"] == "ok"
    assert answer.returncode == 0


@pytest.mark.speech
def test_a_bucket_that_other_sites_may_use_is_a_failure(shell: Shell, tmp_path: Path) -> None:
    server = embedded.find(tmp_path)
    assert server is not None
    embedded.allow_origin(embedded.client(server), bucket=server.bucket, origin="*")
    answer = shell.assay("doctor", "--json")
    assert (answer.returncode, states(answer.stdout)["storage"]) == (1, "fail")


def test_keys_that_others_can_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "issuer.ed25519.pem").write_text("key")
    (tmp_path / "issuer.ed25519.pem").chmod(0o644)
    assert check_keys(tmp_path).state == "fail"
    (tmp_path / "issuer.ed25519.pem").chmod(0o600)
    assert check_keys(tmp_path).state == "ok"


def test_the_disk_of_a_folder_that_is_not_there_yet_is_looked_at(tmp_path: Path) -> None:
    assert "GiB free" in check_disk(tmp_path / "not" / "yet").detail
