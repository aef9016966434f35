"""An award for each test."""

import pytest

from tests.credentials.award import Award, an_award


@pytest.fixture
def award(tmp_path) -> Award:
    return an_award(tmp_path)
