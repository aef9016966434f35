"""Every job has a function that does it."""

import pytest

from app.jobs.catalog import CATALOG
from workers.handlers import HANDLERS, handler_of


@pytest.mark.parametrize("name", CATALOG)
def test_every_job_is_done_by_somebody(name: str) -> None:
    assert callable(handler_of(name))


def test_nothing_is_done_that_is_no_job() -> None:
    assert set(HANDLERS) == set(CATALOG)
    assert handler_of("credentials.forge") is None
