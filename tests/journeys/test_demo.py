"""`assay demo` from an empty folder to the end, stopped in between, with everything real."""

import json
import re
import signal
from pathlib import Path

import pytest
import urllib3

from app.storage.embedded import wait_for
from tests.cli.running import Shell, children

PLAYED_SECONDS = 600
COMPLETE = "Sara Haddad: audio, English: done"  # the other transcripts only take longer
FOREIGN = "raise SystemExit('this is somebody else's package')"
pytestmark = [pytest.mark.journey, pytest.mark.speech]


def test_the_demonstration_shows_every_stage_and_continues_after_a_kill(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for name in ("app", "workers", "torch"):  # what lies in the folder where it is started is not ours
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FOREIGN)
    first = shell.start("demo", "--port", "0", "--no-open")
    assert wait_for(lambda: ": ready\n  " in shell.said.read_text() or first.poll() is not None, PLAYED_SECONDS)
    first.kill()
    first.wait()
    assert wait_for(lambda: children(tmp_path) == [], 20)  # worker, transcriber and tools end with it
    second = shell.start("demo", "--port", "0", "--no-open")
    try:
        assert wait_for(lambda: COMPLETE in shell.said.read_text() or second.poll() is not None, PLAYED_SECONDS)
        said = shell.said.read_text()
        assert COMPLETE in said, said
        assert re.findall(r"http://\S+", said)[0].startswith("http://127.0.0.1:")
        assert {"candidate", "assessor", "validator", "issuer", "auditor", "administrator"} <= set(
            re.findall(r"[a-z-]+", said)
        )
        see_every_stage(shell, shell.address(second))
    finally:
        second.send_signal(signal.SIGINT)
        assert second.wait(40) == 0


def see_every_stage(shell: Shell, address: str) -> None:
    queue = read(shell, address, "hana.saleh@demo.example", "/queue")["items"]
    assert {kind for item in queue for kind in item["kinds"]} >= {"audio", "video", "text"}
    assert {item["language"] for item in queue} == {"ar", "en"}
    lots = read(shell, address, "tarek.aziz@demo.example", "/lots")["items"]
    assert {"validating", "accepted"} <= {lot["state"] for lot in lots}
    (credential,) = read(shell, address, "sara.haddad@demo.example", "/credentials")["items"]
    assert credential["state"] == "active"


def read(shell: Shell, address: str, email: str, path: str) -> dict:
    token = json.loads(shell.assay("token", "add", "--person", email, "--json").stdout)["token"]
    answer = urllib3.request("GET", f"{address}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer.data
    found: dict = json.loads(answer.data)
    return found
