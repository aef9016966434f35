"""Leases go by the database's clock: a site whose own clock is wrong gives out right times."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from app.db.clock import DatabaseClock, now_in, system_clock
from app.db.engine import make_engine, reading
from tests import postgres

SKEW = timedelta(minutes=17)


def wrong_clock() -> datetime:
    return datetime.now(UTC) + SKEW


def test_a_wrong_clock_is_put_right_by_the_servers(postgres_server: postgres.Server):
    engine = make_engine(postgres_server.url)
    clock = DatabaseClock(engine, local=wrong_clock)
    assert abs(clock() - system_clock()) < timedelta(seconds=5)
    engine.dispose()


def test_without_the_server_the_last_measurement_holds():
    server = postgres.new_server()
    engine = make_engine(server.url)
    hours = [timedelta()]
    clock = DatabaseClock(engine, local=lambda: wrong_clock() + hours[0])
    clock()
    server.stop()
    hours[0] += timedelta(minutes=2)  # long enough for a new measurement, which fails
    assert abs(clock() - system_clock() - hours[0]) < timedelta(seconds=5)
    server.start()
    hours[0] += timedelta(minutes=2)
    assert abs(clock() - system_clock()) < timedelta(seconds=5)
    engine.dispose()
    server.remove()


def test_a_clock_that_is_put_back_is_measured_anew(postgres_server: postgres.Server):
    engine = make_engine(postgres_server.url)
    days = [timedelta()]
    clock = DatabaseClock(engine, local=lambda: wrong_clock() + days[0])
    clock()
    days[0] -= timedelta(days=1)
    assert abs(clock() - system_clock()) < timedelta(seconds=5)
    engine.dispose()


def test_a_file_has_the_clock_of_its_machine(tmp_path):
    clock = DatabaseClock(make_engine(f"sqlite:///{tmp_path / 'none'}"), local=wrong_clock)
    assert clock() - system_clock() > SKEW / 2


def test_the_time_of_the_database_moves_within_a_unit(engine: Engine):
    with reading(engine) as session:
        assert now_in(session) < now_in(session)
