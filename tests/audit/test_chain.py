"""The audit trail can't be changed unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from app.accounts.models import Person
from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import Verdict, append, verify
from app.db.engine import reading, writing
from tests.conftest import NOW
from tests.factories import a_person, an_organisation


def test_a_chain_verifies_and_a_changed_row_is_found(engine: Engine):
    with writing(engine) as session:
        for number in range(5):
            append(session, action="test.acted", subject=f"thing:{number}", now=NOW, body={"number": number})
    with reading(engine) as session:
        assert verify(session).ok
    with writing(engine) as session:
        guard = "no_update" if engine.dialect.name == "sqlite" else "append_only ON audit_event"
        session.connection().execute(text(f"DROP TRIGGER audit_event_{guard}"))
        session.connection().execute(text("UPDATE audit_event SET body = '{\"number\": 99}' WHERE seq = 3"))
    with reading(engine) as session:
        verdict = verify(session)
    assert (verdict.ok, verdict.first_bad_seq) == (False, 3)


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_the_trail(engine: Engine, statement: str):
    with writing(engine) as session:
        append(session, action="test.acted", subject="thing:1", now=NOW)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as session:
        session.connection().execute(text(statement))


def test_an_act_gets_its_place_when_its_unit_is_stored(engine: Engine):
    places = []
    with writing(engine) as session:
        append(session, action="test.acted", subject="thing:1", now=NOW, then=lambda event: places.append(event.seq))
        append(session, action="test.acted", subject="thing:2", now=NOW, then=lambda event: places.append(event.seq))
        assert places == []
    assert places == [1, 2]


def test_an_act_of_a_unit_that_is_taken_back_leaves_no_gap(engine: Engine):
    with pytest.raises(LookupError), writing(engine) as session:
        append(session, action="test.acted", subject="thing:1", now=NOW)
        raise LookupError
    with writing(engine) as session:
        append(session, action="test.acted", subject="thing:2", now=NOW)
    with reading(engine) as session:
        assert [event.subject for event in session.exec(select(AuditEvent))] == ["thing:2"]
        assert verify(session).ok


def test_nothing_is_recorded_within_a_savepoint(engine: Engine):
    with writing(engine) as session, session.begin_nested(), pytest.raises(RuntimeError):
        append(session, action="test.acted", subject="thing:1", now=NOW)


def test_eight_writers_make_one_chain_without_gaps(engine: Engine):
    def write(writer: int) -> None:
        for number in range(25):
            with writing(engine) as session:
                append(session, action="test.acted", subject=f"thing:{writer}-{number}", now=NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with reading(engine) as session:
        assert verify(session) == Verdict(ok=True, rows=200, first_bad_seq=None)


def test_recording_first_or_last_makes_no_deadlock(engine: Engine):
    """One unit has changed a row before it records, the other records before it wants to change the same row."""
    with writing(engine) as session:
        person_id = a_person(session, an_organisation(session), Role.CANDIDATE).id
    with reading(engine) as session:
        before = verify(session).rows
    halfway = Barrier(2)

    def meet() -> None:
        if engine.dialect.name == "postgresql":  # SQLite lets one writer in at a time
            halfway.wait(timeout=10)

    def change(session: Session) -> None:
        session.exec(update(Person).where(col(Person.id) == person_id).values(name="changed"))

    def record(session: Session) -> None:
        append(session, action="test.acted", subject="thing:1", now=NOW)

    def unit(first: Callable[[Session], None], second: Callable[[Session], None]) -> None:
        with writing(engine) as session:
            first(session)
            meet()
            second(session)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(unit, (change, record), (record, change)))
    with reading(engine) as session:
        assert verify(session) == Verdict(ok=True, rows=before + 2, first_bad_seq=None)
