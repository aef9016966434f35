"""The main job over the JSON API: a recording goes in, a credential that strangers' software verifies comes out."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app.demo
from tests import warm
from tests.factories import a_judgement
from tests.journeys.recordings import a_talk
from tests.journeys.running import POOL, Person, Running, running, wait_for
from tests.journeys.story import (
    Cast,
    accepted,
    claimed,
    declaration,
    holds,
    published,
    rubric,
    submit_when_checked,
)

pytestmark = pytest.mark.journey
DEMO = Path(app.demo.__file__).parent / "demo-frameworks.json"
VERIFY = Path(__file__).parents[2] / "infra" / "verify"


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory, own_database: dict[str, str]) -> Iterator[Cast]:
    with running(tmp_path_factory.mktemp("chain")) as here:
        here.assay("org", "add", "--code", "institute", "--name", "Test Institute")
        here.assay("framework", "import", str(DEMO), "--org", "institute")
        yield Cast(
            here,
            here.person("candidate@example.org", "Mariam Fouad", "candidate"),
            here.person("assessor@example.org", "Nadia Kamel", "assessor"),
            here.person("validator@example.org", "Youssef Adel", "validator"),
            here.person("lead@example.org", "Salma Rushdi", "lead-validator"),
            here.person("issuer@example.org", "Omar Hegazy", "issuer"),
        )


def test_from_a_recording_to_a_credential(cast: Cast, tmp_path: Path):
    call = rubric(cast.candidate, "teller-service-call")
    recording = a_talk(
        tmp_path / "my call.flac", "en-librivox-1.flac", "en-fleurs-1.flac", "en-librivox-2.flac", tempo=0.95
    )
    made = cast.candidate.ask("POST", "/api/v1/submissions", {"rubric_id": call["id"], "language": "en"}, status=201)
    evidence_id = cast.candidate.upload(made["id"], recording, kind="audio", media_type="audio/flac")
    submitted = submit_when_checked(cast.candidate, made["id"], declaration(call))
    assert [each["id"] for each in submitted["receipt"]["evidence"]] == [evidence_id]
    ready = cast.candidate.evidence_at_rest(evidence_id)
    assert ready["state"] == "ready", ready
    assert {"playable", "waveform", "captions"} <= {each["kind"] for each in ready["renditions"]}
    transcript = cast.candidate.get(f"/api/v1/evidence/{evidence_id}/transcript")
    text = " ".join(segment["text"] for segment in transcript["segments"]).lower()
    assert "dashwood" in text
    assert "capital letter" in text
    assert all(word["end_ms"] >= word["start_ms"] for segment in transcript["segments"] for word in segment["words"])

    assess(cast.assessor, made["id"])
    close_and_uphold(cast, made["id"])
    finalised = cast.candidate.submission_in(made["id"], "finalised")
    assert finalised["result"]["outcome"] == "competent"
    credential_id = wait_for(
        lambda: cast.candidate.get(f"/api/v1/submissions/{made['id']}")["credential_id"],
        seconds=60,
        what="the credential",
    )
    document = published(cast.here, credential_id)
    assert document["credentialSubject"]["achievement"]["name"] == "Customer Service Call"
    check_everywhere(cast, credential_id, document, tmp_path)
    assert cast.here.assay("audit", "verify")["ok"]


def assess(assessor: Person, submission_id: str) -> None:
    claim = wait_for(
        lambda: claimed(assessor, submission_id), seconds=240, what=f"submission {submission_id} in the queue"
    )
    shown = assessor.get(f"/api/v1/claims/{claim['id']}")
    assert shown["evidence"][0]["name"] == "Evidence 1"
    media = assessor.send("GET", f"/api/v1/evidence/{shown['evidence'][0]['id']}/playable")
    assert media.status == 302
    part = POOL.request("GET", media.headers["Location"], headers={"Range": "bytes=0-99"})
    assert (part.status, len(part.data)) == (206, 100)
    body = a_judgement(shown["evidence"][0]["id"])
    assert assessor.ask("POST", f"/api/v1/claims/{claim['id']}/send", body)["percent"] == "200/3"


def close_and_uphold(cast: Cast, submission_id: str) -> None:
    lot = next(each for each in cast.lead.get("/api/v1/lots?state=open")["items"] if holds(each, submission_id))
    assert lot["secret"] is None
    assert all(item["sampled"] is None for item in lot["items"])
    cast.lead.ask("POST", f"/api/v1/lots/{lot['id']}/close", {})
    taken = cast.validator.ask("POST", "/api/v1/validations/claims", {}, status=201)
    shown = cast.validator.get(f"/api/v1/validations/{taken['id']}")
    assert "percent" not in json.dumps(shown.get("comparison"))
    body = a_judgement(shown["evidence"][0]["id"])
    del body["message"]
    cast.validator.ask("POST", f"/api/v1/validations/{taken['id']}/scores", body)
    cast.validator.ask("POST", f"/api/v1/validations/{taken['id']}/decision", {"decision": "uphold", "reason": ""})
    decided = wait_for(lambda: accepted(cast.lead, lot["id"]), seconds=60, what="the lot to be accepted")
    assert len(decided["secret"]) == 64


def check_everywhere(cast: Cast, credential_id: str, document: Any, folder: Path) -> None:
    """Our page, our command and an outside verifier agree: genuine, changed, revoked."""
    file = folder / "credential.json"
    file.write_text(json.dumps(document, ensure_ascii=False))
    assert verdict(cast.here, file) == ("genuine", True)
    assert outside(cast.here, file, folder)["verified"]
    changed = folder / "changed.json"
    changed.write_text(file.read_text().replace("Mariam", "Meriam", 1))
    assert verdict(cast.here, changed)[0] == "not-genuine"
    assert not outside(cast.here, changed, folder)["verified"]
    page = POOL.request("GET", f"{cast.here.base}/credentials/{credential_id}", headers={"Accept": "text/html"})
    assert "Mariam Fouad" in page.data.decode()
    for suffix, start in (("png", b"\x89PNG"), ("svg", b"<")):
        badge = POOL.request("GET", f"{cast.here.base}/credentials/{credential_id}.{suffix}").data
        assert badge.startswith(start)
        baked = folder / f"badge.{suffix}"
        baked.write_bytes(badge)
        assert verdict(cast.here, baked) == ("genuine", True)

    cast.issuer.ask("POST", f"/api/v1/credentials/{credential_id}/revoke", {"reason": "A test of revocation."})
    wait_for(lambda: verdict(cast.here, file) == ("genuine", False) or None, seconds=30, what="the revocation")
    assert not outside(cast.here, file, folder)["inForce"]


def verdict(here: Running, file: Path) -> tuple[str, bool]:
    """Verify by the API and by the command; both must say the same."""
    answer = POOL.request(
        "POST", f"{here.base}/api/v1/verify", fields={"file": (file.name, file.read_bytes())}, redirect=False
    )
    assert answer.status == 200, answer.data
    found = json.loads(answer.data)
    done = warm.assay("credential", "verify", str(file), "--json", env=here.environment)
    said = json.loads(done.stdout)
    assert (said["verdict"], said["in_force"]) == (found["verdict"], found["in_force"])
    assert done.returncode == (0 if found["verdict"] == "genuine" and found["in_force"] else 1)
    return found["verdict"], found["in_force"]


def outside(here: Running, file: Path, folder: Path) -> Any:
    """Verify by Digital Bazaar's libraries, which nobody here wrote."""
    if shutil.which("node") is None or not (VERIFY / "node_modules").exists():
        pytest.skip("the outside verifier needs node and `npm ci` in infra/verify")
    status = json.loads(file.read_text())["credentialStatus"]["statusListCredential"]
    listed = folder / "status.json"
    listed.write_bytes(POOL.request("GET", status).data)
    done = subprocess.run(
        ["node", "verify.mjs", str(file), "--map", f"{status}={listed}"],
        cwd=VERIFY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)
