"""The event stream: order, what was missed, when it ends. Over a real server where it must be live."""

import json
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
import urllib3
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette

from app.db.engine import make_engine, writing
from app.errors import TooMany
from app.evidence import processing, stages
from app.evidence.events import Look, Open, stream
from app.evidence.processing import Key
from app.evidence.reasons import Reason
from app.evidence.states import StageName, StageState
from app.storage.client import Storage
from tests.conftest import NOW, Clock
from tests.evidence.conftest import Candidate

SOUND = b"sound of a call"
REJECTED = Reason("damaged", "It is damaged.")


def read_events(text: str) -> list[tuple[int, dict[str, Any]]]:
    """Read a whole stream: the id and data of each `stage` event."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            assert fields["event"] == "stage"
            events.append((int(fields["id"]), json.loads(fields["data"])))
    return events


@pytest.fixture
def rejected(candidate: Candidate, stored: Storage, engine: Engine, clock: Clock) -> str:
    """A submission whose only file was inspected and refused."""
    submission_id = candidate.submission()
    key = Key(UUID(candidate.upload(submission_id, SOUND)), 1)
    with writing(engine) as session:
        stages.mark(session, key.evidence_id, StageName.INSPECT, now=NOW, state=StageState.RUNNING)
        processing.rejected(session, key, StageName.INSPECT, REJECTED, now=NOW)
    return submission_id


def test_every_stage_comes_once_in_order_and_the_stream_ends(candidate: Candidate, rejected: str):
    answer = candidate.get(f"/submissions/{rejected}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    events = read_events(answer.text)
    ids = [number for number, _ in events]
    assert ids == sorted(set(ids))
    last = {data["stage"]: data for _, data in events}
    assert set(last) == {"inspect", "scan", "convert", "transcribe"}
    assert (last["inspect"]["state"], last["inspect"]["message"]) == ("failed", "It is damaged.")
    assert set(last["inspect"]) == {"evidence_id", "stage", "progress", "state", "message"}


def test_a_browser_that_comes_back_gets_what_it_missed_and_nothing_twice(candidate: Candidate, rejected: str):
    path = f"/api/v1/submissions/{rejected}/events"
    events = read_events(candidate.get(f"/submissions/{rejected}/events").text)
    for seen in range(len(events)):
        headers = {**candidate.headers, "Last-Event-ID": str(events[seen][0])}
        answer = candidate.client.get(path, headers=headers)
        rest = read_events(answer.text) if answer.status_code == 200 else []
        assert rest == events[seen + 1 :]
    assert answer.status_code == 204  # the last one: nothing more can come, so a browser need not try again


def test_a_nonsense_id_is_as_none(candidate: Candidate, rejected: str):
    for nonsense in ("nonsense", "9" * 5_000):
        headers = {**candidate.headers, "Last-Event-ID": nonsense}
        answer = candidate.client.get(f"/api/v1/submissions/{rejected}/events", headers=headers)
        assert len(read_events(answer.text)) == 4


def test_ids_grow_though_the_clock_stands_still(candidate: Candidate, stored: Storage, engine: Engine):
    key = Key(UUID(candidate.upload(candidate.submission(), SOUND)), 1)
    seen = set()
    with writing(engine) as session:
        for progress in (0.1, 0.2, 0.3):
            stages.mark(session, key.evidence_id, StageName.INSPECT, now=NOW, progress=progress)
            seen.add(next(row.changed for row in stages.stages(session, key.evidence_id)))
    assert len(seen) == 3


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve the site on a free port, in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_changes_arrive_live(candidate: Candidate, stored: Storage, engine: Engine, app: Starlette):
    submission_id = candidate.submission()
    key = Key(UUID(candidate.upload(submission_id, SOUND)), 1)
    with serving(app) as address:
        url = f"{address}/api/v1/submissions/{submission_id}/events"
        answer = urllib3.request(
            "GET", url, headers=candidate.headers, preload_content=False, timeout=20, retries=False
        )
        lines = (line.decode().rstrip("\n") for line in answer)
        snapshot = [json.loads(line[6:]) for line in _take(lines, "data: ", 4)]
        assert {data["state"] for data in snapshot} == {"waiting"}
        with writing(engine) as session:
            stages.mark(session, key.evidence_id, StageName.INSPECT, now=NOW, state=StageState.RUNNING, progress=0.5)
        (live,) = (json.loads(line[6:]) for line in _take(lines, "data: ", 1))
        assert (live["stage"], live["state"], live["progress"]) == ("inspect", "running", 0.5)
        with writing(engine) as session:
            processing.rejected(session, key, StageName.INSPECT, REJECTED, now=NOW)
        rest = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        assert [data["state"] for data in rest if data["stage"] == "inspect"] == ["failed"]
        answer.release_conn()


def _take(lines: Iterator[str], start: str, count: int) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith(start):
            found.append(line)
        if len(found) == count:
            break
    return found


def run_apart(function: Callable[..., Awaitable[list[str]]], *arguments: object) -> list[str]:
    """Run in a thread of its own: where browser tests ran before, this thread has an event loop already."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(anyio.run, function, *arguments).result()


def test_a_quiet_stream_breathes_so_that_proxies_keep_it(engine: Engine):
    async def first(count: int) -> list[str]:
        lines = stream(engine, lambda _: Look((), is_over=False), after=0, breath_seconds=0)
        return [await anext(lines) for _ in range(count)]

    assert run_apart(first, 3) == ["retry: 2000\n\n", ": still here\n\n", ": still here\n\n"]


def test_a_stream_ends_when_the_site_is_told_to_stop(engine: Engine):
    async def whole() -> list[str]:
        told = iter([False, True])
        quiet = stream(engine, lambda _: Look((), is_over=False), after=0, breath_seconds=0, ending=lambda: next(told))
        return [line async for line in quiet]

    assert run_apart(whole) == ["retry: 2000\n\n", ": still here\n\n"]


def test_a_stream_ends_with_its_life_so_that_rights_are_looked_at_again(engine: Engine):
    async def whole() -> list[str]:
        quiet = stream(engine, lambda _: Look((), is_over=False), after=0, life_seconds=0.2)
        return [line async for line in quiet]

    assert run_apart(whole) == ["retry: 2000\n\n"]


def test_a_person_has_so_many_streams_open_and_no_more():
    person_id, counting = uuid4(), Open(most=2)

    async def endless() -> AsyncGenerator[str]:
        while True:
            yield "x"

    async def opened() -> list[str]:
        first, second = (counting.counted(person_id, endless()) for _ in range(2))
        said = [await anext(first), await anext(second)]
        with pytest.raises(TooMany):
            counting.check(person_id)
        counting.check(uuid4())  # others may
        await first.aclose()
        counting.check(person_id)
        await second.aclose()
        return said

    assert run_apart(opened) == ["x", "x"]


def test_a_stream_ends_when_the_database_goes_and_the_browser_comes_back(tmp_path: Path):
    async def whole() -> list[str]:
        nowhere = make_engine(f"sqlite:///{tmp_path}/gone/x.sqlite3")
        return [line async for line in stream(nowhere, lambda _: Look((), is_over=False), after=0)]

    assert run_apart(whole) == ["retry: 2000\n\n"]
