"""What people see of a PostgreSQL server that restarts, is full, slow or in the middle of a deadlock."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from app.accounts.models import Person
from app.actor import Role
from app.db.engine import is_alive, make_engine, reading, writing
from app.db.failures import Contended
from app.db.postgres import Limits
from app.errors import Invalid, Unavailable
from app.jobs.catalog import ISSUE
from app.jobs.models import Job
from app.jobs.service import enqueue
from app.main import create_app
from app.settings import Settings
from tests import postgres
from tests.conftest import NOW, ORIGIN
from tests.factories import a_person, a_token, an_organisation, bearer
from tests.races import at_once

HASTY = Limits("assay test", pool=2, pool_wait=1, statement=1, lock=1)


@pytest.fixture
def address(postgres_server: postgres.Server) -> Iterator[str]:
    url = postgres_server.make()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def hasty(address: str) -> Iterator[Engine]:
    """A database whose answers must come within a second."""
    engine = make_engine(address, limits=HASTY)
    yield engine
    engine.dispose()


def run(session: Session, statement: str, **values: Any) -> Any:
    return session.connection().execute(text(statement), values)


def test_a_site_works_again_by_itself_after_its_database_restarted(tmp_path: Path):
    server = postgres.new_server()
    settings = Settings(data_dir=tmp_path, base_url=ORIGIN, database_url=server.make())
    site = create_app(settings)
    engine = site.state.deps.engine
    with writing(engine) as session:
        organisation = an_organisation(session)
        headers = bearer(a_token(session, a_person(session, organisation, Role.ASSESSOR), organisation))
    try:
        with TestClient(site) as client:
            assert client.get("/api/v1/queue", headers=headers).status_code == 200
            server.stop()
            for _ in range(2):  # the first finds its connection cut, the next can't connect
                answer = client.get("/api/v1/queue", headers=headers)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
                assert "Nothing was lost; please try again." in answer.json()["detail"]
            assert client.get("/healthz").status_code == 200
            server.start()
            assert client.get("/api/v1/queue", headers=headers).status_code == 200
    finally:
        engine.dispose()
        server.remove()


def test_a_unit_whose_connection_is_cut_is_told_as_a_part_that_is_down(address: str, hasty: Engine):
    other = make_engine(address)
    with pytest.raises(Unavailable), writing(hasty) as session:
        backend = run(session, "SELECT pg_backend_pid()").scalar_one()
        with writing(other) as operator:
            run(operator, "SELECT pg_terminate_backend(:backend)", backend=backend)
        run(session, "SELECT 1")
    assert is_alive(hasty)
    other.dispose()


def test_a_statement_that_takes_too_long_is_ended(hasty: Engine):
    with pytest.raises(Unavailable), reading(hasty) as session:
        run(session, "SELECT pg_sleep(30)")


def test_who_waits_too_long_for_a_lock_is_told_to_come_again(address: str, hasty: Engine):
    other = make_engine(address)
    with writing(other) as session:
        run(session, "SELECT pg_advisory_xact_lock(7)")
        with pytest.raises(Unavailable), writing(hasty) as late:
            run(late, "SELECT pg_advisory_xact_lock(7)")
    other.dispose()


def test_a_job_that_can_not_be_dispatched_just_now_is_told_to_come_again(address: str, hasty: Engine):
    other = make_engine(address)
    with writing(other) as session:
        run(session, "LOCK TABLE procrastinate_jobs")
        with pytest.raises(Unavailable), writing(hasty) as late:
            enqueue(late, ISSUE, job_id="issue:1", args={}, now=NOW)
    with reading(hasty) as session:
        assert session.get(Job, "issue:1") is None
    other.dispose()


def test_who_finds_no_free_connection_is_told_to_come_again(hasty: Engine):
    with reading(hasty) as first, reading(hasty) as second:
        run(first, "SELECT 1")
        run(second, "SELECT 1")
        with pytest.raises(Unavailable), reading(hasty) as third:
            run(third, "SELECT 1")


def test_a_server_that_takes_no_more_connections_is_a_part_that_is_down(
    postgres_server: postgres.Server, address: str, hasty: Engine
):
    name = hasty.url.database
    postgres_server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    with pytest.raises(Unavailable):
        is_alive(hasty)
    postgres_server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert is_alive(hasty)


def test_a_deadlock_is_told_from_a_server_that_is_down(address: str):
    engine = make_engine(address)
    with writing(engine) as session:
        organisation = an_organisation(session)
        people = [a_person(session, organisation, Role.CANDIDATE).id for _ in range(2)]
    halfway = Barrier(2)

    def change(first: int, second: int) -> str:
        try:
            with writing(engine) as session:
                session.exec(update(Person).where(col(Person.id) == people[first]).values(name="changed"))
                halfway.wait(timeout=10)
                session.exec(update(Person).where(col(Person.id) == people[second]).values(name="changed"))
        except Contended:
            return "ended"
        return "stored"

    assert sorted(at_once([lambda: change(0, 1), lambda: change(1, 0)])) == ["ended", "stored"]
    engine.dispose()


@pytest.mark.parametrize("name", ["a\x00b"])
def test_what_can_not_be_stored_is_the_senders_mistake(hasty: Engine, name: str):
    with pytest.raises(Invalid), reading(hasty) as session:
        session.exec(select(Person).where(Person.name == name)).all()


def test_a_unit_that_reads_can_not_write_and_sees_one_moment(address: str, hasty: Engine):
    with pytest.raises(DBAPIError, match="read-only"), reading(hasty) as session:
        an_organisation(session)
    with reading(hasty) as session:
        before = len(session.exec(select(Person)).all())
        with writing(hasty) as other:
            a_person(other, an_organisation(other), Role.CANDIDATE)
        assert len(session.exec(select(Person)).all()) == before


def test_the_server_knows_who_is_connected(address: str):
    engine = make_engine(address, limits=replace(HASTY, name="assay here"))
    with reading(engine) as session:
        assert run(session, "SELECT current_setting('application_name')").scalar_one() == "assay here"
        assert run(session, "SELECT current_setting('statement_timeout')").scalar_one() == "1s"
    engine.dispose()


@pytest.mark.parametrize("url", ["postgres://a@b/c", "postgresql://a@b/c", "postgresql+psycopg://a@b/c"])
def test_every_spelling_of_the_address_works(url: str):
    assert make_engine(url).url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://a@b/c", "nonsense", "sqlite://"])
def test_other_databases_are_refused_with_a_sentence(url: str):
    with pytest.raises(Invalid, match="ASSAY_DATABASE_URL"):
        make_engine(url)
