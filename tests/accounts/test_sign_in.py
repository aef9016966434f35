"""Who a request comes from, and how people get in."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.models import Membership
from app.accounts.people import NewPerson, add_person
from app.accounts.sign_in import make_link, set_password, with_password
from app.actor import Role, Scope
from app.db.engine import writing
from app.errors import Invalid
from app.main import create_app
from app.settings import Settings
from tests.conftest import NOW, Clock
from tests.factories import a_person, a_token, an_organisation, bearer

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def test_me_says_who_a_token_belongs_to(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session, name="Nile Institute")
        person = a_person(session, organisation, Role.ASSESSOR, Role.CANDIDATE)
        token = a_token(session, person, organisation)
    answer = client.get("/api/v1/me", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.json() == {
        "person": {"id": str(person.id), "name": person.name, "email": person.email},
        "organisation": {"id": str(organisation.id), "name": "Nile Institute"},
        "roles": ["candidate", "assessor"],
    }


def test_without_token_the_api_says_sign_in_needed(client: TestClient):
    answer = client.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "sign-in-needed"


def test_an_unknown_token_is_refused(client: TestClient):
    answer = client.get("/api/v1/me", headers=bearer("assay_nonsense"))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-token")


def test_a_link_works_once_and_only_by_its_button(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session)
        person = a_person(session, organisation, Role.CANDIDATE)
        secret = make_link(session, person=person, now=NOW, next_path="/submissions")
    assert client.get(f"/sign-in/{secret}").status_code == 200
    first = client.post(f"/sign-in/{secret}", headers=SAME_SITE)
    assert (first.status_code, first.headers["location"]) == (303, "/submissions")
    assert client.get("/api/v1/me").json()["person"]["email"] == person.email
    client.cookies.clear()
    assert client.post(f"/sign-in/{secret}", headers=SAME_SITE).status_code == 404


def test_a_site_on_https_reads_no_cookie_that_a_neighbour_could_plant(engine: Engine, settings: Settings, clock: Clock):
    with writing(engine) as session:
        organisation = an_organisation(session)
        person = a_person(session, organisation, Role.CANDIDATE)
        secret = make_link(session, person=person, now=NOW, next_path="/submissions")
    site = create_app(settings.model_copy(update={"base_url": "https://assay.example.org"}), clock=clock)
    with TestClient(site, base_url="https://assay.example.org", follow_redirects=False) as client:
        client.post(f"/sign-in/{secret}", headers=SAME_SITE)
        (name, value), *_ = client.cookies.items()
        assert name == "__Host-assay_session"
        assert client.get("/api/v1/me").status_code == 200
        client.cookies.clear()
        assert client.get("/api/v1/me", headers={"Cookie": f"assay_session={value}"}).status_code == 401
    site.state.deps.engine.dispose()


def test_a_link_is_too_old_after_fifteen_minutes(engine: Engine, client: TestClient, clock: Clock):
    with writing(engine) as session:
        person = a_person(session, an_organisation(session), Role.CANDIDATE)
        secret = make_link(session, person=person, now=NOW)
    clock.forward(minutes=16)
    assert client.post(f"/sign-in/{secret}", headers=SAME_SITE).status_code == 404


def test_password_signs_in_and_a_wrong_one_keeps_what_was_typed(engine: Engine, client: TestClient):
    with writing(engine) as session:
        person = a_person(session, an_organisation(session), Role.CANDIDATE)
        set_password(session, person=person, password="correct horse battery", now=NOW)
    form = {"email": person.email, "password": "wrong"}
    wrong = client.post("/sign-in", data=form, headers=SAME_SITE)
    assert wrong.status_code == 422
    assert person.email in wrong.text
    right = client.post("/sign-in", data=form | {"password": "correct horse battery"}, headers=SAME_SITE)
    assert right.status_code == 303
    assert "assay_session" in right.headers["set-cookie"]
    assert "HttpOnly" in right.headers["set-cookie"]


def test_a_password_is_checked_without_holding_up_anybody_who_writes(engine: Engine):
    with writing(engine) as session:
        an_organisation(session)  # somebody else writes meanwhile: only one can
        with pytest.raises(Invalid, match="does not match"):
            with_password(engine, email="a@example.org", password="wrong", now=NOW)


def test_somebody_who_changed_the_organisation_comes_to_the_present_one(engine: Engine, client: TestClient):
    with writing(engine) as session:
        before, present = an_organisation(session), an_organisation(session, name="Present Institute")
        person = a_person(session, before, Role.ASSESSOR)
        left = session.exec(select(Membership).where(Membership.person_id == person.id)).one()
        left.starts_at, left.until = NOW - timedelta(days=400), NOW - timedelta(days=1)
        new = NewPerson(email=person.email, name=person.name, roles=(Role.ASSESSOR,))
        add_person(session, organisation_id=present.id, new=new, now=NOW)
        secret = make_link(session, person=person, now=NOW)
    client.post(f"/sign-in/{secret}", headers=SAME_SITE)
    found = client.get("/api/v1/me").json()
    assert (found["organisation"]["name"], found["roles"]) == ("Present Institute", ["assessor"])


def test_a_form_from_another_site_is_refused(client: TestClient):
    answer = client.post(
        "/sign-in", data={"email": "a@b.cd", "password": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_token_and_cookie_together_are_a_bad_request(engine: Engine, client: TestClient):
    with writing(engine) as session:
        organisation = an_organisation(session)
        person = a_person(session, organisation, Role.CANDIDATE)
        token = a_token(session, person, organisation, scopes=(Scope.READ,))
        secret = make_link(session, person=person, now=NOW)
    client.post(f"/sign-in/{secret}", headers=SAME_SITE)
    assert client.get("/api/v1/me", headers=bearer(token)).status_code == 400


def test_signing_out_ends_the_session_for_good(engine: Engine, client: TestClient):
    with writing(engine) as session:
        person = a_person(session, an_organisation(session), Role.CANDIDATE)
        secret = make_link(session, person=person, now=NOW)
    client.post(f"/sign-in/{secret}", headers=SAME_SITE)
    cookie = client.cookies["assay_session"]
    assert client.post("/sign-out", headers=SAME_SITE).status_code == 303
    client.cookies.set("assay_session", cookie)
    assert client.get("/api/v1/me").status_code == 401


def test_the_eleventh_wrong_password_in_five_minutes_is_refused(client: TestClient):
    form = {"email": "a@example.org", "password": "wrong"}
    tries = [client.post("/sign-in", data=form, headers=SAME_SITE) for _ in range(11)]
    assert [answer.status_code for answer in tries] == [422] * 10 + [429]
    assert tries[-1].headers["retry-after"]


def test_tries_at_two_sites_count_together_and_are_forgotten(settings: Settings, client: TestClient, clock: Clock):
    form = {"email": "a@example.org", "password": "wrong"}
    other_site = create_app(settings, clock=clock)
    with TestClient(other_site) as other:
        tries = [each.post("/sign-in", data=form, headers=SAME_SITE) for each in [client, other] * 6]
        assert [answer.status_code for answer in tries] == [422] * 10 + [429] * 2
        clock.forward(minutes=6)  # most of the last five minutes' tries still count
        assert [other.post("/sign-in", data=form, headers=SAME_SITE).status_code for _ in range(3)] == [422, 422, 429]
        clock.forward(minutes=10)
        assert client.post("/sign-in", data=form, headers=SAME_SITE).status_code == 422
    other_site.state.deps.engine.dispose()
