"""The whole installation for a candidate's browser: `assay up` with storage and worker, people who follow links."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine

import app.demo
from app.db.engine import make_engine
from tests.journeys.running import Running, running

DEMO = Path(app.demo.__file__).parent / "demo-frameworks.json"
SECONDS = 1000
Newcomer = Callable[..., Page]


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One installation with the demonstration's rubrics, for all tests here."""
    with running(tmp_path_factory.mktemp("browser")) as made:
        made.assay("org", "add", "--code", "institute", "--name", "Nile Institute")
        made.assay("framework", "import", str(DEMO), "--org", "institute")
        yield made


@pytest.fixture(scope="session")
def database(here: Running) -> Iterator[Engine]:
    """The database of that installation, to put things into it."""
    engine = make_engine(f"sqlite:///{here.data / 'assay.sqlite3'}")
    yield engine
    engine.dispose()


@pytest.fixture
def context(chromium: Browser, here: Running) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    context = chromium.new_context(base_url=here.base, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60 * SECONDS)
    yield context
    context.close()


@pytest.fixture
def browser_page(context: BrowserContext) -> Iterator[Page]:
    """A tab. Scripts must not fail: an error in one is an error of the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


_numbers = iter(range(1, 1000))


@pytest.fixture
def as_new(browser_page: Page, here: Running) -> Newcomer:
    """Return a function that adds somebody with some roles and signs them in."""

    def sign_in(*roles: str, name: str = "Mariam Fouad") -> Page:
        email = f"browser{next(_numbers)}@example.org"
        here.person(email, name, *roles)
        link = here.assay("login-link", "--person", email)["url"]
        browser_page.goto(urlsplit(link).path)
        browser_page.get_by_role("button", name="Sign in now").click()
        browser_page.wait_for_url("**/")
        return browser_page

    return sign_in
