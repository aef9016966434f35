"""A real browser on a real site: Chromium, uvicorn in a thread, the storage server. Marked `browser`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine
from starlette.applications import Starlette

from app.accounts.models import Person
from app.evidence.states import EvidenceKind
from app.main import create_app
from app.settings import Settings
from app.storage import embedded
from app.storage.client import Storage
from app.storage.embedded import free_ports
from tests.browser.stage import Recording, Stage, a_stage, make_recording

AXE = Path(__file__).parents[2] / "infra" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Callable[[EvidenceKind], Recording]:
    """Return a function that makes a recording, once for each kind."""
    folder = tmp_path_factory.mktemp("recordings")
    made: dict[EvidenceKind, Recording] = {}

    def of(kind: EvidenceKind) -> Recording:
        if kind not in made:
            made[kind] = make_recording(folder, kind=kind)
        return made[kind]

    return of


@pytest.fixture
def site_port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def settings(site_port: int, tmp_path: Path, storage_server: embedded.Started, database_url: str) -> Settings:
    """Settings of a site that a browser can reach, with the real storage."""
    return Settings(
        data_dir=tmp_path,
        database_url=database_url,
        base_url=f"http://127.0.0.1:{site_port}",
        **embedded.addresses(storage_server.server),
    )


@pytest.fixture
def site(settings: Settings, site_port: int, engine: Engine) -> Iterator[str]:
    """Serve the site; the address is given back."""
    with serving(settings, site_port) as address:
        yield address


@contextmanager
def serving(settings: Settings, port: int) -> Iterator[str]:
    """Serve a site with these settings for the length of a block."""
    app: Starlette = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive(), "the site did not start"
    yield settings.base_url
    server.should_exit = True
    thread.join()
    app.state.deps.engine.dispose()


@pytest.fixture
def stage(engine: Engine, settings: Settings) -> Stage:
    storage = Storage(settings)
    storage.prepare(origins=[settings.base_url])  # each test's site has an address of its own
    return a_stage(engine, storage)


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(chromium: Browser, site: str, stage: Stage) -> Iterator[SignIn]:
    """Return a function that opens the site as a person; `options` are those of a browser context."""
    contexts: list[BrowserContext] = []

    def open_as(person: Person, **options: object) -> Page:
        context = chromium.new_context(base_url=site, **{"viewport": {"width": 1440, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto(stage.link(person))
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        return page

    yield open_as
    for context in contexts:
        faults = [fault for page in context.pages for fault in page.faults]
        context.close()
        assert faults == []


def axe_violations(page: Page) -> list[str]:
    """Check the page as it is now with axe-core (WCAG 2.2 A and AA, best practice); returns what is wrong."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in infra/web")
    page.evaluate(AXE.read_text())  # not a script tag: the policy of our pages refuses those
    found = page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa',"
        "'best-practice']})).violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' '"
        " + n.failureSummary).join(' | '))"
    )
    return [str(each) for each in found]


def until(page: Page, condition: str, *, seconds: float = 60) -> None:
    """Wait until a condition in JavaScript holds. (`wait_for_function` needs eval, which our policy refuses.)"""
    held = page.evaluate(
        f"() => new Promise(done => {{ const end = performance.now() + {seconds * 1000};"
        f" const look = () => ({condition}) ? done(true)"
        " : performance.now() > end ? done(false) : requestAnimationFrame(look); look(); })"
    )
    assert held, f"waited {seconds:.0f} s for {condition}"


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
