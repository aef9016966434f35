"""Storage or database down: the API says 503 and when to come again, pages say so, and jobs wait until it is over."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from app.db.engine import BUSY_TIMEOUT_MS
from app.storage import embedded
from tests import warm
from tests.journeys.mortal import Site, a_worker
from tests.journeys.recordings import a_talk
from tests.journeys.running import POOL, Person, Running, running, wait_for
from tests.journeys.story import Cast, a_cast, rubric

pytestmark = pytest.mark.journey
TITLE = "Back in a moment"


class Outside:
    """A storage server that Assay did not start, so that it stays down until the test starts it again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started = embedded.start(folder, origin="http://127.0.0.1")

    def kill(self) -> None:
        os.killpg(self.started.process.pid, signal.SIGKILL)
        self.started.process.wait()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Kill it for the length of a block; it comes back under the same address."""
        before = self.started.server.ports
        self.kill()
        try:
            yield
        finally:
            self.started = embedded.start(self._folder, origin="http://127.0.0.1")
            assert self.started.server.ports == before


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    made = Outside(tmp_path_factory.mktemp("outside"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def cast(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    known = {f"ASSAY_{name.upper()}": value for name, value in embedded.addresses(outside.started.server).items()}
    with running(tmp_path_factory.mktemp("down"), "--workers", "0", **known) as here:
        yield a_cast(here)


@contextmanager
def database_locked(here: Running) -> Iterator[None]:
    """Hold the database's write lock for the length of a block, as a stuck process would."""
    connection = sqlite3.connect(here.data / "assay.sqlite3", isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()


@contextmanager
def database_away(here: Running) -> Iterator[None]:
    """Move the database away for the length of a block, as when its disk is not mounted."""
    folder, away = here.data, here.data / "away"
    away.mkdir()
    names = [path.name for path in folder.glob("assay.sqlite3*")]
    for name in names:
        (folder / name).rename(away / name)
    try:
        yield
    finally:
        for name in names:
            (away / name).replace(folder / name)
        away.rmdir()


def unavailable(answer: urllib3.BaseHTTPResponse) -> Any:
    """Check that an answer of the API says that a part is down, and when to try again."""
    assert answer.status == 503, answer.data
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], "Nothing was lost" in problem["detail"]) == ("unavailable", True)
    return problem


def a_draft(cast: Cast, code: str = "teller-service-call") -> str:
    body = {"rubric_id": rubric(cast.candidate, code)["id"], "language": "en"}
    return str(cast.candidate.ask("POST", "/api/v1/submissions", body, status=201)["id"])


class Browser:
    """The candidate's browser, as far as cookies go."""

    def __init__(self, here: Running) -> None:
        self.base = here.base
        link = here.assay("login-link", "--person", "candidate@example.org")["url"]
        answer = POOL.request("POST", self.base + urlsplit(link).path, headers=self._own, redirect=False)
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]

    @property
    def _own(self) -> dict[str, str]:
        return {"Origin": self.base, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}

    def send(self, method: str, path: str, **fields: str) -> urllib3.BaseHTTPResponse:
        headers = {**self._own, "Cookie": self.cookie}
        if method == "GET":
            return POOL.request("GET", self.base + path, headers=headers, redirect=False)
        return POOL.request_encode_body(
            method, self.base + path, fields=fields, headers=headers, encode_multipart=False, redirect=False
        )


def says_so(answer: urllib3.BaseHTTPResponse) -> None:
    """Check that a page says that a part is down."""
    assert answer.status == 503, answer.data[:500]
    assert int(answer.headers["Retry-After"]) > 0
    assert TITLE in answer.data.decode()
    assert "<html" in answer.data.decode()


def test_storage_down_is_said_and_jobs_wait_for_it(cast: Cast, outside: Outside, tmp_path: Path):
    here, candidate = cast.here, cast.candidate
    waiting = a_draft(cast)
    voice = a_talk(tmp_path / "voice.mp3", "en-fleurs-1.flac")
    evidence_id = candidate.upload(waiting, voice, kind="audio", media_type="audio/mpeg")
    job = f"inspect:{evidence_id}:1"
    browser, other = Browser(here), a_draft(cast, "credit-analysis-walkthrough")
    with a_worker(here, queues="media"):
        with outside.down():
            body = {"kind": "audio", "name": "a.mp3", "media_type": "audio/mpeg", "size_bytes": 1000}
            unavailable(candidate.send("POST", f"/api/v1/submissions/{waiting}/evidence", body))
            says_so(browser.send("POST", f"/submissions/{other}/text", text="The company can repay the loan. " * 9))
            assert POOL.request("GET", f"{here.base}/healthz").status == 200
            assert POOL.request("GET", f"{here.base}/readyz").status == 503
            assert browser.send("GET", "/").status == 200
            wait_for(lambda: deferred(here, job), seconds=60, what="the job to be put off")
        wait_for(lambda: is_playable(candidate, evidence_id), seconds=90, what="the recording to be converted")
    assert here.rows("SELECT state, attempt FROM job WHERE id = :id", id=job) == [("done", 1)]
    assert candidate.get(f"/api/v1/submissions/{other}")["evidence"] == []
    assert here.assay("audit", "verify")["ok"]


def is_playable(candidate: Person, evidence_id: str) -> bool | None:
    shown = candidate.get(f"/api/v1/evidence/{evidence_id}")
    return any(each["kind"] == "playable" for each in shown["renditions"]) or None


def deferred(here: Running, job: str) -> bool | None:
    ((state, attempt, deferrals),) = here.rows("SELECT state, attempt, deferrals FROM job WHERE id = :id", id=job)
    assert (state, attempt) in {("todo", 0), ("doing", 1)}
    return deferrals >= 1 or None


def test_a_locked_database_is_said_after_the_busy_timeout(cast: Cast):
    here, candidate = cast.here, cast.candidate
    body = {"rubric_id": rubric(candidate, "teller-service-call")["id"], "language": "en"}
    before = here.rows("SELECT count(*) FROM submission")
    with database_locked(here):
        assert POOL.connection_pool_kw["timeout"] * 1000 > BUSY_TIMEOUT_MS
        unavailable(candidate.send("POST", "/api/v1/submissions", body))
        assert candidate.send("GET", "/api/v1/submissions").status == 200
    assert here.rows("SELECT count(*) FROM submission") == before
    assert candidate.ask("POST", "/api/v1/submissions", body, status=201)["state"] == "draft"


@contextmanager
def a_site(here: Running) -> Iterator[Site]:
    """Run a fresh site, which has no open connection yet, for the length of a block."""
    site = Site(here)
    try:
        yield site
    finally:
        site.mortal.stop()


def test_a_database_that_is_not_there_is_said_and_none_is_made_in_its_place(cast: Cast):
    here = cast.here
    with ExitStack() as stack:
        with database_away(here):
            site = stack.enter_context(a_site(here))
            unavailable(site.seen_by(cast.candidate).send("GET", "/api/v1/submissions"))
            says_so(POOL.request("GET", f"{site.base}/sign-in", headers={"Accept": "text/html"}))
            assert POOL.request("GET", f"{site.base}/readyz").status == 503
            refused = warm.assay("org", "add", "--code", "other", "--name", "Other", env=here.environment)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
            assert not (here.data / "assay.sqlite3").exists()
        assert site.seen_by(cast.candidate).send("GET", "/api/v1/submissions").status == 200
    assert here.assay("audit", "verify")["ok"]
