"""API 4.7 and the public pages: anybody checks any credential, and our own addresses serve what verifiers read."""

import json

import pytest
from starlette.testclient import TestClient

from app.credentials import baking
from app.main import create_app
from tests.conftest import Clock
from tests.credentials.award import an_award
from tests.credentials.conftest import Story

HTML = {"accept": "text/html,application/xhtml+xml"}
CHECKS = ["structure", "context", "proof", "issuer", "status", "validity", "levels", "endorsement"]


def verdict_of(story, credential):
    """Hand the credential's file in, as anybody may."""
    return upload(story, credential.document.encode())


def upload(story, content, name="credential.json"):
    answer = story.client.post("/api/v1/verify", files={"file": (name, content)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(story, path, **headers):
    return story.client.get(path, headers=headers)


def test_own_credential_is_genuine_in_every_form(story):
    credential = story.issued()
    for form in ("json", "jwt", "png", "svg"):
        content = get(story, f"/credentials/{credential.id}.{form}").content
        found = upload(story, content, f"badge.{form}")
        assert (found["verdict"], found["in_force"], found["status"]) == ("genuine", True, "active"), (form, found)
        assert [check["name"] for check in found["checks"]] == CHECKS
        assert found["achievement"]["name"] == "Customer Service Call"
        assert found["id"] == f"http://testserver/credentials/{credential.id}"


def test_address_of_an_own_credential_is_answered_from_the_database(story):
    credential = story.issued()
    for suffix in ("", ".json", ".png"):
        url = f"http://testserver/credentials/{credential.id}{suffix}"
        answer = story.client.post("/api/v1/verify", json={"url": url})
        assert answer.json()["verdict"] == "genuine", answer.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://169.254.169.254/", "file:///etc/passwd", "nonsense"])
def test_addresses_inside_the_house_are_never_asked(story, url):
    answer = story.client.post("/api/v1/verify", json={"url": url})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [{}, {"url": None}, {"link": "https://example.org"}, {"url": ""}])
def test_nothing_handed_in_is_said(story, body):
    assert story.client.post("/api/v1/verify", json=body).status_code == 422


def test_changed_file_and_other_issuers_are_told_apart(story, tmp_path):
    credential = story.issued()
    changed = credential.document.replace("Customer Service Call", "Customer Service Ca1l", 1)
    found = upload(story, changed.encode())
    assert found["verdict"] == "not-genuine"
    assert not found["in_force"]
    assert [check["name"] for check in found["checks"] if not check["ok"]] == ["proof"]
    foreign = an_award(tmp_path / "foreign").text()
    assert upload(story, foreign.encode())["verdict"] == "unknown-issuer"
    assert upload(story, b"GIF89a")["verdict"] == "unreadable"


def test_credential_is_a_page_for_people_and_json_for_programs(story):
    credential = story.issued()
    path = f"/credentials/{credential.id}"
    assert get(story, path).json() == json.loads(credential.document)
    assert get(story, path).headers["content-type"] == "application/json"
    assert get(story, path, accept="application/vc").headers["content-type"] == "application/vc"
    page = get(story, path, **HTML)
    assert page.headers["content-type"].startswith("text/html")
    for said in ("Genuine and in force", "Customer Service Call", "Test Institute", "EQF 4", "Identity check"):
        assert said in page.text
    assert page.text.count('class="i-ok"') == len(CHECKS)
    arabic = get(story, path, **HTML, **{"accept-language": "ar"})
    assert 'dir="rtl"' in arabic.text


@pytest.mark.parametrize("path", ["/credentials/nonsense", "/credentials/00000000-0000-4000-8000-000000000000.json"])
def test_unknown_credentials_are_not_found(story, path):
    assert get(story, path).status_code == 404


def test_unknown_form_is_not_found(story):
    assert get(story, f"/credentials/{story.issued().id}.exe").status_code == 404


def test_pictures_hold_the_signed_text_and_may_run_nothing(story):
    credential = story.issued()
    png, svg = (get(story, f"/credentials/{credential.id}.{form}") for form in ("png", "svg"))
    assert baking.unbake_png(png.content) == credential.document
    assert json.loads(baking.unbake_svg(svg.content)) == json.loads(credential.document)
    assert "default-src 'none'" in svg.headers["content-security-policy"]
    assert (png.headers["content-type"], svg.headers["content-type"]) == ("image/png", "image/svg+xml")


def test_everything_a_verifier_reads_is_public_json_for_every_origin(story):
    credential = story.issued()
    said = json.loads(credential.document)
    achievement = said["credentialSubject"]["achievement"]["id"].removeprefix("http://testserver")
    endorsement = said["endorsement"][0]["id"].removeprefix("http://testserver")
    status = said["credentialStatus"]["statusListCredential"].removeprefix("http://testserver")
    did = f"/o/{story.house.organisation.code}/did.json"
    found = {}
    for path in (achievement, f"{achievement}.ar", endorsement, status, did):
        answer = get(story, path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"
        found[path] = answer.json()
    published = {key: value for key, value in found[achievement].items() if key != "@context"}
    assert published == said["credentialSubject"]["achievement"]
    assert found[f"{achievement}.ar"]["name"] == "مكالمة خدمة العملاء"
    assert found[endorsement] == said["endorsement"][0]
    assert found[status]["issuer"] == said["issuer"]["id"]
    assert len(found[did]["verificationMethod"]) == 3
    assert get(story, f"{achievement}.svg").headers["content-type"] == "image/svg+xml"


def test_keys_are_bare_jwks(story):
    credential = story.issued()
    did = get(story, f"/o/{story.house.organisation.code}/did.json").json()
    for method in did["verificationMethod"]:
        if "publicKeyMultibase" in method:
            jwk = get(story, f"/keys/{method['publicKeyMultibase']}.json").json()
            assert jwk["kty"] in {"EC", "OKP"}
    assert get(story, "/keys/unknown.json").status_code == 404
    assert credential.jwt.count(".") == 2


@pytest.mark.parametrize(
    "path",
    [
        "/status/7",
        "/status/x",
        "/achievements/nonsense",
        "/achievements/00000000-0000-4000-8000-000000000000",
        "/endorsements/00000000-0000-4000-8000-000000000000",
        "/o/nobody/did.json",
    ],
)
def test_what_does_not_exist_is_not_found(story, path):
    assert get(story, path).status_code == 404


def test_page_checks_a_file_and_shows_what_fails(story):
    credential = story.issued()
    own = {"sec-fetch-site": "same-origin"}
    form = story.client.get("/verify")
    assert form.status_code == 200
    assert "Check a credential" in form.text
    good = story.client.post(
        "/verify", headers=own, files={"file": ("badge.json", credential.document)}, data={"url": ""}
    )
    assert "Genuine and in force" in good.text
    changed = credential.document.replace("Customer Service Call", "Customer Service Ca1l", 1)
    bad = story.client.post("/verify", headers=own, files={"file": ("badge.json", changed)})
    assert "Not genuine" in bad.text
    assert "The signature does not match" in bad.text
    assert "Customer Service Ca1l" not in bad.text
    empty = story.client.post("/verify", headers=own, files={"file": ("", b"")}, data={"url": ""})
    assert empty.status_code == 422
    assert "Choose a file" in empty.text


def test_public_site_signs_as_did_web(engine, settings, tmp_path):
    """The same story at a public address: the issuer is the address, and our own check knows it."""
    public = settings.model_copy(update={"base_url": "https://assay.example"})
    site = create_app(public, clock=Clock())
    with TestClient(site, base_url="https://assay.example") as client:
        story = Story(engine, public, client)
        credential = story.issued()
        said = json.loads(credential.document)
        assert said["issuer"]["id"] == f"did:web:assay.example:o:{story.house.organisation.code}"
        did = get(story, f"/o/{story.house.organisation.code}/did.json").json()
        assert did["id"] == said["issuer"]["id"]
        assert said["proof"][0]["verificationMethod"] in did["assertionMethod"]
        for content in (credential.document, credential.jwt):
            assert upload(story, content.encode())["verdict"] == "genuine"
    site.state.deps.engine.dispose()


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "x", "-1"])
def test_a_status_list_that_can_not_exist_is_just_not_there(story, number):
    credential = story.issued()
    said = json.loads(credential.document)
    said["credentialStatus"]["statusListCredential"] = f"http://testserver/status/{number}"
    assert upload(story, json.dumps(said).encode())["verdict"] == "not-genuine"
    assert get(story, f"/status/{number}").status_code == 404
