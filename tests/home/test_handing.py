"""Handing a submission over to a phone: only where both addresses are https, once, for ten minutes, to one page."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.accounts.models import Person
from app.accounts.sign_in import SECURE_COOKIE, make_link
from app.actor import Role
from app.db.engine import writing
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.main import create_app
from app.settings import Settings
from tests.conftest import Clock
from tests.factories import a_person, a_submission, an_organisation

HTTPS = {"base_url": "https://assay.example.org", "s3_public_url": "https://s3.example.org"}


@pytest.fixture
def draft(engine: Engine) -> tuple[Submission, Person]:
    with writing(engine) as session:
        organisation = an_organisation(session)
        candidate = a_person(session, organisation, Role.CANDIDATE)
        return a_submission(session, organisation, candidate=candidate, state=SubmissionState.DRAFT), candidate


def a_browser(settings: Settings, clock: Clock, **more: str) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update=HTTPS | more), clock=clock)
    headers = {"Sec-Fetch-Site": "same-origin"}
    with TestClient(app, base_url=HTTPS["base_url"], headers=headers, follow_redirects=False) as client:
        yield client
    app.state.deps.engine.dispose()


@pytest.fixture
def laptop(settings: Settings, engine: Engine, clock: Clock, draft: tuple[Submission, Person]) -> Iterator[TestClient]:
    """The candidate's signed-in browser on a site whose addresses are https."""
    for client in a_browser(settings, clock):
        with writing(engine) as session:
            secret = make_link(session, person=draft[1], now=clock())
        client.post(f"/sign-in/{secret}")
        yield client


@pytest.fixture
def phone(settings: Settings, clock: Clock) -> Iterator[TestClient]:
    yield from a_browser(settings, clock)


def link_in(page: str) -> str:
    (path,) = re.findall(r"https://assay\.example\.org(/sign-in/[\w-]+)", page)
    return str(path)


def test_the_phone_is_signed_in_once_and_comes_to_the_submission(
    laptop: TestClient, phone: TestClient, draft: tuple[Submission, Person]
):
    path = f"/submissions/{draft[0].id}"
    assert f"{path}/phone" in laptop.get(path).text
    shown = laptop.post(f"{path}/phone")
    assert shown.status_code == 200
    assert "<svg viewBox" in shown.text
    assert draft[0].reference in shown.text
    link = link_in(shown.text)
    assert phone.get(link).status_code == 200, "looking at it uses nothing up"
    answer = phone.post(link)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert SECURE_COOKIE in answer.headers["set-cookie"]
    assert phone.get(path).status_code == 200
    assert phone.post(link).status_code == 404


def test_a_code_ends_after_ten_minutes_and_when_another_is_shown(
    laptop: TestClient, phone: TestClient, draft: tuple[Submission, Person], clock: Clock
):
    first = link_in(laptop.post(f"/submissions/{draft[0].id}/phone").text)
    second = link_in(laptop.post(f"/submissions/{draft[0].id}/phone").text)
    assert phone.post(first).status_code == 404
    clock.forward(minutes=10)
    assert phone.post(second).status_code == 404


@pytest.mark.parametrize("more", [{"base_url": "http://assay.example.org"}, {"s3_public_url": "http://s3.example.org"}])
def test_nothing_is_offered_without_https(
    settings: Settings, engine: Engine, clock: Clock, draft: tuple[Submission, Person], more: dict[str, str]
):
    path = f"/submissions/{draft[0].id}"
    for client in a_browser(settings, clock, **more):
        with writing(engine) as session:
            secret = make_link(session, person=draft[1], now=clock())
        client.post(f"/sign-in/{secret}")
        assert "/phone" not in client.get(path).text
        assert client.post(f"{path}/phone").status_code == 404
