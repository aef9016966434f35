"""The audit trail can't be changed unseen."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.audit.service import append, verify
from app.db.engine import reading, writing
from tests.conftest import NOW


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
