"""Lead validators see what is being assessed and may end a claim that holds somebody's work up."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.accounts.models import Membership, Organisation
from app.actor import Role
from app.audit.models import AuditEvent
from app.db.engine import reading, writing
from tests.factories import a_person, a_submission, a_token, an_organisation, bearer

Headers = dict[str, str]


@pytest.fixture
def house(engine: Engine) -> Organisation:
    with writing(engine) as session:
        return an_organisation(session)


@pytest.fixture
def staff(engine: Engine, house: Organisation):
    """Return a function that adds somebody with a role and gives their headers."""

    def add(role: Role, *, name: str = "Somebody", rubrics: list[str] | None = None) -> Headers:
        with writing(engine) as session:
            person = a_person(session, house, role, name=name)
            row = session.exec(select(Membership).where(Membership.person_id == person.id)).one()
            row.rubrics = rubrics
            session.add(row)
            return bearer(a_token(session, person, house))

    return add


@pytest.fixture
def held(engine: Engine, client: TestClient, house: Organisation, staff) -> tuple[str, Headers]:
    """A claim with a draft, and its holder."""
    with writing(engine) as session:
        candidate = a_person(session, house, Role.CANDIDATE, name="Zaynab Secret")
        submission_id = str(a_submission(session, house, candidate=candidate).id)
    holder = staff(Role.ASSESSOR, name="Omar Holder")
    claim = client.post("/api/v1/queue/claims", json={"submission_id": submission_id}, headers=holder).json()
    draft = {"version": claim["version"], "message": "half way"}
    assert client.patch(f"/api/v1/claims/{claim['id']}/draft", json=draft, headers=holder).status_code == 200
    return claim["id"], holder


def break_it(client: TestClient, claim_id: str, who: Headers, reason: str = "Omar is ill."):
    return client.post(f"/api/v1/claims/{claim_id}/break", json={"reason": reason}, headers=who)


def test_a_lead_ends_a_claim_and_nothing_is_lost(engine: Engine, client: TestClient, held, staff):
    claim_id, holder = held
    lead, other = staff(Role.LEAD_VALIDATOR), staff(Role.ASSESSOR)
    listed = client.get("/api/v1/claims", headers=lead)
    assert [(each["id"], each["assessor"]) for each in listed.json()["items"]] == [(claim_id, "Omar Holder")]
    assert "Zaynab" not in listed.text
    assert break_it(client, claim_id, lead).status_code == 204
    told = client.post(f"/api/v1/claims/{claim_id}/renew", headers=holder)
    assert (told.status_code, told.json()["code"]) == (409, "claim-broken")
    assert "“Omar is ill.”" in told.json()["detail"]
    taken = client.post("/api/v1/queue/claims", json={}, headers=other).json()
    assert client.get(f"/api/v1/claims/{taken['id']}", headers=other).json()["draft"] == {}
    client.delete(f"/api/v1/claims/{taken['id']}", headers=other)
    again = client.post("/api/v1/queue/claims", json={}, headers=holder).json()
    assert client.get(f"/api/v1/claims/{again['id']}", headers=holder).json()["draft"]["message"] == "half way"
    with reading(engine) as session:
        row = session.exec(select(AuditEvent).where(col(AuditEvent.action) == "claim.broken")).one()
    assert row.body == {"claim": claim_id, "reason": "Omar is ill."}
    assert str(row.actor_id) == client.get("/api/v1/me", headers=lead).json()["person"]["id"]


def test_only_a_lead_of_the_rubric_may_and_only_with_a_reason_and_once(client: TestClient, held, staff):
    claim_id, _ = held
    assert break_it(client, claim_id, staff(Role.ASSESSOR)).status_code == 403
    assert break_it(client, claim_id, staff(Role.VALIDATOR)).status_code == 403
    elsewhere = staff(Role.LEAD_VALIDATOR, rubrics=["another-rubric"])
    assert break_it(client, claim_id, elsewhere).status_code == 403
    assert client.get("/api/v1/claims", headers=elsewhere).json()["items"] == []
    lead = staff(Role.LEAD_VALIDATOR)
    assert break_it(client, str(uuid4()), lead).status_code == 404
    assert break_it(client, claim_id, lead, reason="").status_code == 422
    assert break_it(client, claim_id, lead).status_code == 204
    assert (second := break_it(client, claim_id, lead)).status_code == 409, second.text


def test_nobody_ends_a_claim_on_their_own_evidence(engine: Engine, client: TestClient, house: Organisation, staff):
    with writing(engine) as session:
        both = a_person(session, house, Role.CANDIDATE, Role.LEAD_VALIDATOR)
        a_submission(session, house, candidate=both)
        own = bearer(a_token(session, both, house))
    claim = client.post("/api/v1/queue/claims", json={}, headers=staff(Role.ASSESSOR)).json()
    assert client.get("/api/v1/claims", headers=own).json()["items"] == []
    refused = break_it(client, claim["id"], own)
    assert (refused.status_code, refused.json()["code"]) == (403, "separation-of-duties")


def test_the_page_shows_who_holds_what_and_ends_it(client: TestClient, held, staff):
    claim_id, holder = held
    lead = staff(Role.LEAD_VALIDATOR)
    page = client.get("/claims", headers=lead).text
    assert "Omar Holder" in page
    assert "Zaynab" not in page
    assert client.get("/claims", headers=holder).status_code == 403
    ended = client.post(f"/claims/{claim_id}/break", data={"reason": "Omar is ill."}, headers=lead)
    assert ended.status_code == 303
    assert "Nobody is assessing now" in client.get("/claims", headers=lead).text
