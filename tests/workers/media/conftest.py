"""The set of recordings, made and converted once for all tests of this folder."""

import pytest

from tests.workers.conftest import Make
from tests.workers.media.recordings import Studio
from workers.media.tools import Tools


@pytest.fixture(scope="session")
def studio(make: Make, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    # Whatever the data folder is called: nothing in it may mean something to a tool.
    return Studio(make, tools, tmp_path_factory.mktemp("it's a [studio], 100%d: x;y=z\\ $(ls)"))
