"""A real Chromium on a real Assay: `assay up` with its storage and worker, people who sign in by their links."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import Engine

import app.demo
from app.db.engine import make_engine
from tests.journeys.running import Running, running

DEMO = Path(app.demo.__file__).parent / "demo-frameworks.json"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
AXE = Path(__file__).parents[2] / "infra" / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
SECONDS = 1000
Newcomer = Callable[..., Page]


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One installation with the demonstration's rubrics, for all browser tests."""
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, here: Running) -> Iterator[BrowserContext]:
    """A fresh browser profile."""
    context = chromium.new_context(base_url=here.base, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30 * SECONDS)
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


def violations(page: Page) -> list[str]:
    """Return what axe-core finds on a page with every part of it unfolded."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run npm ci in infra/web")
    page.evaluate("() => document.querySelectorAll('main details').forEach((each) => (each.open = true))")
    page.evaluate(AXE.read_text())
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", AXE_RULES)
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes'][:3]]}" for each in found["violations"]]
