"""What an error of the database says: it is logged, so nothing of people is in it."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app.db.engine import reading


def test_an_error_does_not_tell_what_was_sent(engine: Engine):
    with pytest.raises(DBAPIError) as told, reading(engine) as session:
        session.connection().execute(text("SELECT nothing WHERE :word = ''"), {"word": "hala@example.org"})
    assert "hala@example.org" not in str(told.value)
