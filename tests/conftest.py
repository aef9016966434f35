"""Fixtures that every test may use: a real database file, the site over HTTP, a clock that can be moved."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.db.engine import make_engine
from app.main import create_app
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage import embedded
from app.storage.client import Storage
from tests import outside, postgres
from tests.chromium import chromium as chromium  # noqa: PLC0414  # a fixture for all

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **kind: float) -> None:
        self.now += timedelta(**kind)


@pytest.fixture
def clock() -> Clock:
    return Clock()


ORIGIN = "http://testserver"


@pytest.fixture(scope="session")
def storage_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Started]:
    """The real storage server, one for all tests: their keys are random, so they don't meet."""
    started = embedded.start(tmp_path_factory.mktemp("storage"), origin=ORIGIN)
    yield started
    embedded.stop(started)


@pytest.fixture(scope="session")
def outside_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[outside.Outside]:
    """A storage server that is not ours, with identities of few rights and the bucket `assay`."""
    with outside.running(tmp_path_factory.mktemp("outside")) as found:
        Storage(Settings(**found.settings("admin"))).prepare(origins=[ORIGIN])
        yield found


DATABASES = ("sqlite", "postgresql")
ONCE = ("browser", "journeys", "workers", "demo")  # long stories: on the database that was asked for, not on both


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*DATABASES, "both"), default="sqlite", help="where tests keep their rows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long stories, so that two halves of the tests end at about the same time."""
    items.sort(key=lambda item: not _is_long(item.path))


def _is_long(path: Path) -> bool:
    return path.relative_to(Path(__file__).parent).parts[0] in ONCE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that keeps rows on both databases when that is asked for."""
    both = metafunc.config.getoption("--database") == "both" and not _is_long(metafunc.definition.path)
    if both and "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", DATABASES, indirect=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """The real PostgreSQL server, one for all tests; each has a database of its own."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema. Copying it is a hundred times as fast as migrating a new one."""
    path = tmp_path_factory.mktemp("migrated") / "assay.sqlite3"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of this test's own database: empty for the SQLite file in its folder."""
    kind = getattr(request, "param", request.config.getoption("--database"))
    if kind != "postgresql":
        yield ""
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.make()
    yield url
    server.drop(url)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Settings:
    """Settings of one test: everything in its own folder. No storage server answers, unless it asks for `stored`."""
    storage = {"s3_endpoint_url": "http://localhost:9", "s3_access_key": "nobody", "s3_secret_key": "nobody"}
    if "stored" in request.fixturenames:
        server = request.getfixturevalue("storage_server").server
        storage = {
            "s3_endpoint_url": server.endpoint_url,
            "s3_public_url": server.public_url,
            "s3_access_key": server.access_key,
            "s3_secret_key": server.secret_key,
        }
    return Settings(data_dir=tmp_path, base_url=ORIGIN, database_url=database_url, **storage)


@pytest.fixture
def stored(settings: Settings) -> Storage:
    """The real storage. A test that asks for it gets a site that uses it too."""
    storage = Storage(settings)
    storage.prepare(origins=[settings.base_url])  # all tests share the server, and browser tests have other addresses
    return storage


@pytest.fixture
def engine(settings: Settings, migrated_file: Path) -> Iterator[Engine]:
    """This test's own database, with the newest schema and no rows."""
    if not settings.database_url:
        shutil.copyfile(migrated_file, settings.data_dir / migrated_file.name)
    engine = make_engine(settings.database)
    yield engine
    engine.dispose()


@pytest.fixture
def app(settings: Settings, engine: Engine, clock: Clock) -> Iterator[Starlette]:
    """The site on the test's own database."""
    site = create_app(settings, clock=clock)
    yield site
    site.state.deps.engine.dispose()


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as client:
        yield client
