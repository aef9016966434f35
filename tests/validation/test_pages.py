"""Pages of lots and validations over HTTP: who sees what, closing, the blind step, the comparison."""

import json
import re
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from app.accounts.models import Person
from app.accounts.sign_in import by_link, cookie_name, make_link
from app.actor import Role
from app.db.engine import writing
from app.evidence.models import Involvement
from app.evidence.states import Part
from tests.conftest import NOW
from tests.factories import a_person, an_organisation
from tests.validation.conftest import Desk
from tests.validation.stories import BAD, GOOD, NO_PROBATION, House

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
Pages = Callable[[Person], TestClient]


@pytest.fixture
def pages(engine: Engine, client: TestClient) -> Pages:
    """Return a function that signs a person in and gives the browser."""

    def sign_in(person: Person) -> TestClient:
        with writing(engine) as session:
            secret = make_link(session, person=person, now=NOW)
            session.flush()
            client.cookies.set(cookie_name(secure=False), by_link(session, secret=secret, now=NOW).secret)
        return client

    return sign_in


def close(house: House, client: TestClient) -> None:
    answer = client.post(f"/lots/{house.lot().id}/close", headers=SAME_SITE)
    assert answer.status_code == 303, answer.text


def data_of(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="judge">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_an_open_lot_shows_nobody_its_draw(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, BAD)
    lot = house.lot()
    text = pages(house.lead).get(f"/lots/{lot.id}").text
    assert "Nothing is drawn before this lot closes" in text
    assert lot.commitment in text
    assert lot.secret not in text
    assert "Draw number" not in text
    assert "drawn at random" not in text
    assert "Close and draw" in text


def test_only_a_lead_closes_and_is_told_what_it_does(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, GOOD, GOOD)
    path = f"/lots/{house.lot().id}"
    browser = pages(house.validator)
    assert "Close now" not in browser.get(path).text
    assert browser.post(f"{path}/close", headers=SAME_SITE).status_code == 403
    browser = pages(house.lead)
    assert "at least 3 are drawn" in browser.get(path).text
    close(house, browser)
    closed = browser.get(path).text
    assert "0 of 3 re-scored" in closed
    assert "drawn at random" in closed
    assert browser.post(f"{path}/close", headers=SAME_SITE).status_code == 409


def test_the_assessor_learns_nothing_before_the_lot_is_decided(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, GOOD)
    close(house, pages(house.lead))
    browser = pages(house.assessor)
    text = browser.get(f"/lots/{house.lot().id}").text
    assert "is shown to you when the lot is decided" in text
    assert "drawn at random" not in text
    assert "Draw number" not in text
    assert "shown when it is decided" in browser.get("/lots").text


def test_a_validator_sees_no_outcome_of_what_may_still_be_theirs(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(BAD, BAD, BAD)
    close(house, pages(house.lead))
    text = pages(house.validator).get(f"/lots/{house.lot().id}").text
    assert "Not yet competent</td>" not in text
    assert "after the blind scores" in text


def test_a_decided_lot_shows_its_secret_and_what_may_be_left(house: House, pages: Pages, desk: Callable[..., Desk]):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, GOOD, GOOD)
    close(house, pages(house.lead))
    validator = desk(house.validator)
    pages(house.validator).cookies.clear()
    while validator.validate():
        house.run_jobs()
    text = pages(house.lead).get(f"/lots/{house.lot().id}").text
    assert "Accepted:" in text
    assert house.lot().secret in text
    assert "assay sample verify" in text
    assert "≤" in text


def test_lots_of_another_organisation_are_unknown(engine: Engine, house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD)
    lot = house.lot()
    with writing(engine) as session:
        stranger = a_person(session, an_organisation(session), Role.LEAD_VALIDATOR)
    browser = pages(stranger)
    assert browser.get(f"/lots/{lot.id}").status_code == 404
    assert browser.post(f"/lots/{lot.id}/close", headers=SAME_SITE).status_code == 404
    assert lot.commitment not in browser.get("/lots").text


def test_the_blind_step_hides_the_assessors_side_until_the_scores_are_locked(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(BAD, BAD, BAD)
    close(house, pages(house.lead))
    browser = pages(house.validator)
    assert "3 decisions wait for a second look" in browser.get("/validations").text
    path = browser.post("/validations/next", headers=SAME_SITE).headers["location"]
    blind = browser.get(path).text
    assert "Your scores, blind" in blind
    assert "The assessor's own words." not in blind
    assert "my-own-name.m4a" not in blind
    page = data_of(blind)
    saved = browser.patch(
        f"/api/v1{path}/draft", json={"version": page["version"], "vacs": {"valid": True}}, headers=SAME_SITE
    )
    assert saved.json()["preview"]["outcome"] is None
    assert "Carry on where you stopped" in browser.get("/validations").text


def test_the_comparison_names_differences_and_the_outcome_of_final_scores(
    house: House, pages: Pages, desk: Callable[..., Desk]
):
    house.plan(**NO_PROBATION)
    house.decided(BAD, BAD, BAD)
    close(house, pages(house.lead))
    validator = desk(house.validator)
    pages(house.validator).cookies.clear()
    claim = validator.claim()
    validator.score(claim, GOOD)
    browser = pages(house.validator)
    path = f"/validations/{claim['id']}"
    text = browser.get(path).text
    assert "One level apart" in text
    assert "You differ on 1 criterion" in text
    assert "the outcome is not the same" in text
    assert "The assessor&#39;s own words." in text
    same = browser.get(f"{path}/outcome", params=BAD).json()
    assert same["same"] is True
    changed = browser.get(f"{path}/outcome", params=GOOD).json()
    assert (changed["outcome"], changed["same"]) == ("competent", False)
    assert browser.get(f"{path}/outcome", params={"ID": 2}).status_code == 422
    for wrong in ("x", "²", "9" * 5000):
        assert browser.get(f"{path}/outcome", params=GOOD | {"ID": wrong}).status_code == 400
    decided = {"decision": "return-with-advice", "reason": "Listen to the first minute again."}
    assert browser.post(f"/api/v1{path}/decision", json=decided, headers=SAME_SITE).status_code == 200
    after = browser.get(path).text
    assert "Listen to the first minute again." in after
    assert "data-decision" not in after


def test_somebody_elses_validation_is_unknown(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, GOOD)
    close(house, pages(house.lead))
    browser = pages(house.validator)
    path = browser.post("/validations/next", headers=SAME_SITE).headers["location"]
    other = pages(house.join(Role.VALIDATOR))
    assert other.get(path).status_code == 404
    assert other.post(f"{path}/give-back", headers=SAME_SITE).status_code == 404
    assert other.get(f"{path}/outcome", params=GOOD).status_code == 404


def test_giving_back_makes_the_item_free_again(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD, GOOD, GOOD)
    close(house, pages(house.lead))
    browser = pages(house.validator)
    path = browser.post("/validations/next", headers=SAME_SITE).headers["location"]
    assert browser.post(f"{path}/give-back", headers=SAME_SITE).headers["location"] == "/validations"
    assert "3 decisions wait" in browser.get("/validations").text


def test_nobody_free_is_an_alarm_for_the_lead(house: House, pages: Pages):
    """A candidate who is the only validator cannot validate: the page says so instead of waiting for ever."""
    house.plan(**NO_PROBATION)
    house.decide(GOOD, candidate=house.validator)
    house.decide(GOOD, candidate=house.lead)
    close(house, pages(house.lead))
    with writing(house.engine) as session:
        for submission_id in {each.submission_id for each in session.exec(select(Involvement)).all()}:
            for person in (house.validator, house.lead):
                if session.get(Involvement, (submission_id, person.id)) is None:
                    session.add(
                        Involvement(submission_id=submission_id, person_id=person.id, part=Part.SECOND, since=NOW)
                    )
    assert "Nobody is free to validate" in pages(house.lead).get("/lots").text


def test_pages_speak_arabic(house: House, pages: Pages):
    house.plan(**NO_PROBATION)
    house.decided(GOOD)
    browser = pages(house.lead)
    for path in ("/lots", f"/lots/{house.lot().id}", "/validations"):
        text = browser.get(path, headers={"Accept-Language": "ar"}).text
        assert '<html lang="ar" dir="rtl">' in text
