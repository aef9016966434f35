"""What a worker's listener answers, and to whom."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import urllib3

from app.errors import Unavailable
from app.settings import Settings
from workers.health import listen

HTTP = urllib3.PoolManager(retries=False, timeout=10)
Start = Callable[..., str]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as started:

        def begin(token: str = "", missing: tuple[str, ...] = (), silent: float = 0.0) -> str:
            settings = Settings(worker_listen="127.0.0.1:0", metrics_token=token)
            server = listen(settings, missing=lambda: list(missing), silent_for=lambda: silent)
            assert server is not None
            started.callback(server.server_close)
            started.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield begin


def test_a_worker_says_whether_it_can_work(start: Start):
    well, ill = start(), start(missing=("database",))
    assert HTTP.request("GET", f"{well}/readyz").status == 200
    answer = HTTP.request("GET", f"{ill}/readyz")
    assert (answer.status, answer.json()) == (503, {"ok": False, "missing": ["database"]})
    assert HTTP.request("GET", f"{ill}/healthz").status == 200


def test_a_worker_that_shows_no_sign_of_life_is_not_ready(start: Start):
    assert HTTP.request("GET", f"{start(silent=31.0)}/readyz").json()["missing"] == ["dispatcher"]


def test_figures_are_for_who_has_the_token(start: Start):
    base = start(token="figures")
    assert HTTP.request("GET", f"{base}/metrics").status == 404
    answer = HTTP.request("GET", f"{base}/metrics", headers={"Authorization": "Bearer figures"})
    assert b"# TYPE assay_job_attempts_total counter" in answer.data
    assert HTTP.request("GET", f"{start()}/metrics").status == 200


def test_nothing_listens_unless_it_is_asked_for():
    assert listen(Settings(), missing=list) is None


def test_a_port_in_use_is_one_sentence(start: Start):
    with pytest.raises(Unavailable, match="ASSAY_WORKER_LISTEN"):
        listen(Settings(worker_listen=start().rpartition("/")[2]), missing=list)
