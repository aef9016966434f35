"""Working days: when a judgement and a result are due."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from app.accounts.calendar import Calendar, calendar_of, set_calendar
from app.db.engine import reading, writing
from app.errors import Invalid
from tests.conftest import NOW
from tests.factories import an_organisation

CAIRO = Calendar(zone="Africa/Cairo", weekend=frozenset({"fri", "sat"}), holidays=frozenset({date(2027, 1, 7)}))


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "since", "days", "due"),
    [
        (Calendar(), at(2026, 11, 24, 12), 5, at(2026, 12, 1, 12)),  # a Tuesday
        (Calendar(), at(2026, 11, 27, 23, 59), 1, at(2026, 11, 30, 23, 59)),  # Friday to Monday
        (Calendar(), at(2026, 11, 28, 15), 1, at(2026, 12, 1)),  # Saturday: from Monday's first moment
        (CAIRO, at(2027, 1, 3, 8), 3, at(2027, 1, 6, 8)),  # Sunday is a working day
        (CAIRO, at(2027, 1, 6, 8), 1, at(2027, 1, 10, 8)),  # Thursday is a holiday, then Friday and Saturday
        (CAIRO, at(2026, 12, 30, 22, 30), 1, at(2027, 1, 2, 22, 30)),  # Thursday in Cairo already
        (CAIRO, at(2027, 4, 29, 9), 1, at(2027, 5, 2, 8)),  # the same time of day, though summer time began
    ],
)
def test_whole_working_days_are_counted_where_the_organisation_is(calendar, since, days, due):
    assert calendar.after(since, days) == due


def test_a_calendar_is_kept_and_audited(engine: Engine):
    with writing(engine) as session:
        organisation = an_organisation(session)
        assert calendar_of(session, organisation.id) == Calendar()
        set_calendar(session, organisation=organisation, new=CAIRO, now=NOW)
    with reading(engine) as session:
        assert calendar_of(session, organisation.id) == CAIRO


def test_all_that_is_wrong_is_named_and_nothing_changes(engine: Engine):
    wrong = Calendar(zone="Cairo", weekend=frozenset({"friday"}), judge_within=0, answer_within=91)
    with writing(engine) as session, pytest.raises(Invalid) as refused:
        set_calendar(session, organisation=an_organisation(session), new=wrong, now=NOW)
    assert {each.field for each in refused.value.errors} == {"time_zone", "weekend", "judge_within", "answer_within"}
