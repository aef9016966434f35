"""API 4.6: who sees a credential, and what an issuer does to it."""

import pytest

from app.actor import Role
from app.audit.service import verify as verify_audit
from app.credentials.checks import verify
from app.credentials.sources import own_sources
from app.credentials.verdict import EvidenceProof
from app.db.engine import reading
from app.frameworks.models import AchievementVersion
from app.web.fetch import Fetcher
from tests.conftest import NOW
from tests.credentials.test_verifying import verdict_of

REASON = {"reason": "Issued in error"}


@pytest.fixture
def credential(story):
    return story.issued()


@pytest.fixture
def issuer(story):
    return story.person(Role.ISSUER)


def post(story, credential, what, headers, body=REASON):
    return story.client.post(f"/api/v1/credentials/{credential.id}/{what}", json=body, headers=headers)


def test_holder_sees_own_credentials_with_their_files(story, credential):
    headers = story.holder(credential)
    listed = story.client.get("/api/v1/credentials", headers=headers).json()
    assert [one["id"] for one in listed["items"]] == [str(credential.id)]
    assert listed["next"] is None
    one = story.client.get(f"/api/v1/credentials/{credential.id}", headers=headers).json()
    assert {name: value for name, value in one.items() if name != "evidence"} == listed["items"][0]
    assert one["state"] == "active"
    assert one["valid_from"] == "2026-11-24T11:58:30Z"
    assert one["files"]["json"] == f"http://testserver/credentials/{credential.id}.json"
    for address in one["files"].values():
        assert story.client.get(address.removeprefix("http://testserver")).status_code == 200


def test_holder_alone_gets_the_salt_that_proves_the_file(story, credential):
    path = f"/api/v1/credentials/{credential.id}"
    (piece,) = story.client.get(path, headers=story.holder(credential)).json()["evidence"]
    proof = EvidenceProof(sha256=piece["sha256"], salt=piece["salt"])
    sources = own_sources(story.engine, story.settings, fetcher=Fetcher(), on_behalf_of="test")
    report = verify(credential.document.encode(), sources=sources, now=NOW, evidence=proof)
    assert (report.checks[-1].name, report.checks[-1].ok) == ("evidence-digest", True)
    assert "evidence" not in story.client.get(path, headers=story.person(Role.ISSUER)).json()


def test_others_credentials_are_unknown(story, credential):
    path = f"/api/v1/credentials/{credential.id}"
    assert story.client.get(path).status_code == 401
    for headers in (story.person(Role.CANDIDATE), story.stranger(Role.ISSUER)):
        assert story.client.get(path, headers=headers).status_code == 404
        assert story.client.get("/api/v1/credentials", headers=headers).json()["items"] == []
    assert story.client.get(path, headers=story.person(Role.ISSUER)).status_code == 200


def test_revoking_takes_effect_at_once_and_is_recorded(story, credential, issuer):
    assert verdict_of(story, credential)["in_force"]
    answer = post(story, credential, "revoke", issuer)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "revoked"
    found = verdict_of(story, credential)
    assert (found["verdict"], found["in_force"], found["status"]) == ("genuine", False, "revoked")
    page = story.client.get(f"/credentials/{credential.id}", headers={"accept": "text/html"})
    assert "Genuine, but revoked" in page.text
    assert "Issued in error" in page.text
    again = post(story, credential, "revoke", issuer)
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")
    with reading(story.engine) as session:
        assert verify_audit(session).ok


def test_revoked_one_stays_revoked_when_the_job_comes_later(story, credential, issuer):
    post(story, credential, "revoke", issuer)
    story.work()
    assert verdict_of(story, credential)["status"] == "revoked"


def test_credential_that_can_only_be_revoked_is_not_suspended(story, credential, issuer):
    answer = post(story, credential, "suspend", issuer)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-suspendable")
    assert verdict_of(story, credential)["in_force"]


def test_suspended_one_can_be_reinstated_and_revoked(story, issuer):
    with story.writing() as session:
        row = session.get_one(AchievementVersion, story.achievement_id(session))
        row.body = {**row.body, "status_purpose": "suspension"}
    credential = story.issued()
    assert post(story, credential, "suspend", issuer).json()["state"] == "suspended"
    assert verdict_of(story, credential)["status"] == "suspended"
    assert post(story, credential, "reinstate", issuer).json()["state"] == "active"
    assert verdict_of(story, credential)["in_force"]
    post(story, credential, "suspend", issuer)
    assert post(story, credential, "revoke", issuer).json()["state"] == "revoked"
    page = story.client.get(f"/credentials/{credential.id}", headers={"accept": "text/html"})
    assert "Genuine, but revoked" in page.text
    assert post(story, credential, "reinstate", issuer).status_code == 409


def test_only_issuers_of_the_same_house_may(story, credential):
    for role in (Role.CANDIDATE, Role.ASSESSOR, Role.LEAD_VALIDATOR, Role.ADMINISTRATOR):
        assert post(story, credential, "revoke", story.person(role)).status_code == 403
    assert post(story, credential, "revoke", story.stranger(Role.ISSUER)).status_code == 404
    assert verdict_of(story, credential)["in_force"]


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x", "more": 1}, {"reason": "x" * 501}]
)
def test_reason_is_needed(story, credential, issuer, body):
    assert post(story, credential, "revoke", issuer, body).status_code == 422
    assert verdict_of(story, credential)["in_force"]


def test_expired_credential_is_shown_as_expired(story, credential, clock):
    clock.forward(days=800)
    one = story.client.get(f"/api/v1/credentials/{credential.id}", headers=story.holder(credential)).json()
    assert one["state"] == "expired"
    found = verdict_of(story, credential)
    assert (found["verdict"], found["in_force"]) == ("genuine", False)
