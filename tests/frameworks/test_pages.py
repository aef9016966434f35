"""The public pages of the rubrics."""

from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.actor import Role
from app.db.engine import writing
from tests.factories import a_person, a_rubric, a_token, an_organisation, bearer


def test_anybody_reads_what_will_be_judged(engine: Engine, client: TestClient):
    with writing(engine) as session:
        a_rubric(session, an_organisation(session, code="nile", name="Nile Institute"))
    listed = client.get("/rubrics")
    assert listed.status_code == 200
    assert "Nile Institute" in listed.text
    assert 'href="/rubrics/teller-service-call?organisation=nile"' in listed.text
    page = client.get("/rubrics/teller-service-call")
    assert "Completes two checks before any account detail is given" in page.text
    assert "60 % in total" in page.text
    assert "Must pass" in page.text


def test_arabic_readers_get_the_arabic_texts(engine: Engine, client: TestClient):
    with writing(engine) as session:
        a_rubric(session, an_organisation(session))
    page = client.get("/rubrics/teller-service-call", headers={"Accept-Language": "ar"})
    assert "مكالمة خدمة عملاء: بطاقة لم تصل" in page.text
    assert "لم يتحقق بعد" in page.text


def test_people_see_the_rubrics_of_their_own_organisation(engine: Engine, client: TestClient):
    with writing(engine) as session:
        own, other = an_organisation(session, name="Own Institute"), an_organisation(session, name="Other Institute")
        for organisation in (own, other):
            a_rubric(session, organisation)
        token = a_token(session, a_person(session, own, Role.CANDIDATE), own)
    listed = client.get("/rubrics", headers=bearer(token))
    assert "Own Institute" in listed.text
    assert "Other Institute" not in listed.text
    assert (
        "/submissions/new?rubric=teller-service-call"
        in client.get("/rubrics/teller-service-call", headers=bearer(token)).text
    )


def test_an_unknown_rubric_is_not_found(client: TestClient):
    assert client.get("/rubrics/nothing").status_code == 404
    assert "No rubric is published yet" in client.get("/rubrics").text
