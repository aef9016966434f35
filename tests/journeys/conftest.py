"""Where the running Assays of these stories keep their rows."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="module")
def own_database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings that name a database of the module's own; none for the SQLite file in its folder."""
    if request.config.getoption("--database") != "postgresql":
        yield {}
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.make_empty()
    yield {"ASSAY_DATABASE_URL": url}
    server.drop(url)
