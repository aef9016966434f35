"""What `/healthz`, `/readyz` and `/metrics` say, and to whom."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from app.db.clock import system_clock
from app.db.engine import make_engine, writing
from app.health.ready import Watch
from app.jobs.models import Job, JobState, Queue
from app.main import create_app
from app.settings import Settings
from app.storage.client import Storage

TOKEN = {"Authorization": "Bearer figures"}


def a_watch(engine: Engine, settings: Settings, *workers: tuple[str, ...]) -> Watch:
    return Watch(engine, Storage(settings), workers=lambda: workers)


def test_an_installation_is_ready_when_each_queue_is_served(engine: Engine, settings: Settings, stored: Storage):
    assert a_watch(engine, settings, ("media", "quick"), ("speech",)).missing() == []
    assert a_watch(engine, settings, ("media", "quick")).missing() == ["worker:speech"]
    assert a_watch(engine, settings).missing() == ["worker"]


def test_a_database_that_is_down_or_old_is_named_and_asked_no_further(tmp_path: Path, settings: Settings):
    nowhere = make_engine(f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite3'}")
    assert a_watch(nowhere, settings).missing(["database", "worker"]) == ["database"]
    (tmp_path / "empty.sqlite3").touch()
    empty = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    assert a_watch(empty, settings).missing(["database"]) == ["schema"]
    for engine in (nowhere, empty):
        engine.dispose()


def test_a_load_balancer_asks_about_some_parts_alone(client: TestClient):
    assert client.get("/readyz?only=database").json() == {"ok": True, "missing": []}
    answer = client.get("/readyz?only=database,storage")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["storage"])
    answer = client.get("/readyz?only=databse", headers={"Accept": "application/json"})
    assert answer.status_code == 400  # a slip must not look like health
    assert "databse" in answer.text


def test_an_answer_is_kept_for_a_moment(engine: Engine, settings: Settings):
    asked: list[int] = []

    def workers() -> list[list[str]]:
        asked.append(1)
        return [list(Queue)]

    watch = Watch(engine, Storage(settings), workers=workers)
    assert [watch.missing(["worker"]) for _ in range(5)] == [[]] * 5
    assert len(asked) == 1


@pytest.fixture
def guarded(settings: Settings, engine: Engine) -> Iterator[TestClient]:
    site = create_app(settings.model_copy(update={"metrics_token": "figures"}))
    with TestClient(site, follow_redirects=False) as client:
        yield client
    site.state.deps.engine.dispose()


def test_figures_are_for_who_has_the_token_by_whatever_host_name(guarded: TestClient):
    elsewhere = {"Host": "site-1:8000"}
    assert guarded.get("/metrics", headers=TOKEN | elsewhere).status_code == 200
    assert guarded.get("/metrics", headers={"Authorization": "Bearer other"} | elsewhere).status_code == 404
    assert guarded.get("/metrics").status_code == 404
    assert guarded.get("/healthz", headers=elsewhere).status_code == 400


def test_without_a_token_figures_stay_on_the_machine(client: TestClient, settings: Settings, engine: Engine):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404
    public = create_app(settings.model_copy(update={"base_url": "https://assay.example.org"}))
    with TestClient(public, base_url="http://127.0.0.1") as other:
        assert other.get("/metrics").status_code == 404
    public.state.deps.engine.dispose()


def a_job(number: int, queue: Queue, state: JobState, **when: object) -> Job:
    now = system_clock()
    values = {"run_at": now, "created_at": now, **when}
    return Job(id=f"test:{number}", name="test", queue=queue, args={}, state=state, **values)


def test_figures_tell_what_waits_and_what_went_wrong(guarded: TestClient, engine: Engine):
    now = system_clock()
    hour = timedelta(hours=1)
    with writing(engine) as session:
        session.add(a_job(1, Queue.SPEECH, JobState.TODO, run_at=now - hour))
        session.add(a_job(2, Queue.SPEECH, JobState.TODO, run_at=now + hour))
        session.add(a_job(3, Queue.MEDIA, JobState.DOING, lease_until=now - hour))
        session.add(a_job(4, Queue.QUICK, JobState.FAILED))
        session.add(a_job(5, Queue.QUICK, JobState.DONE))
    lines = guarded.get("/metrics", headers=TOKEN).text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert figures['assay_jobs{queue="speech",state="todo"}'] == "2.0"
    assert 3600 <= float(figures['assay_job_oldest_wait_seconds{queue="speech"}']) < 3700
    assert figures['assay_job_expired_leases{queue="media"}'] == "1.0"
    assert figures['assay_jobs{queue="quick",state="failed"}'] == "1.0"
    assert figures['assay_job_oldest_wait_seconds{queue="quick"}'] == "0.0"
    assert figures["assay_database_up"] == "1.0"
    assert figures["assay_review_waiting"] == "0.0"


def test_figures_come_without_a_database_too(settings: Settings, tmp_path: Path):
    nowhere = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'no' / 'x.sqlite3'}"})
    site = create_app(nowhere)
    with TestClient(site) as client:
        answer = client.get("/metrics", headers=TOKEN)  # a token that the site doesn't ask for needs no look-up
        assert "assay_database_up 0.0" in answer.text
        assert "assay_jobs{" not in answer.text
        assert client.get("/healthz", headers={"Cookie": "assay_session=x"}).status_code == 200
    site.state.deps.engine.dispose()
