"""The working days of an organisation: when something is due. A weekend is whatever its country rests on."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import Session

from app.accounts.models import Organisation
from app.audit.service import append
from app.errors import FieldError, Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS = 90
MOST_HOLIDAYS = 400
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days in an IANA time zone. `judge_within` and `answer_within` are working days.

    `judge_within`: from evidence that is ready to its judgement. `answer_within`: from sending to the result.
    """

    zone: str = "UTC"
    weekend: frozenset[str] = frozenset({"sat", "sun"})
    holidays: frozenset[date] = frozenset()
    judge_within: int = 5
    answer_within: int = 10

    def after(self, since: datetime, days: int) -> datetime:
        """Return the end of so many whole working days: the same time of day, that many working days later.

        What comes in on a day of rest counts from the first moment of the next working day.
        """
        zone = ZoneInfo(self.zone)
        local = since.astimezone(zone)
        day, clock = local.date(), local.time()
        if not self.works(day):
            day, clock = self._next(day), time()
        for _ in range(days):
            day = self._next(day)
        return datetime.combine(day, clock, zone).astimezone(UTC)

    def works(self, day: date) -> bool:
        """Say whether people work on this day."""
        return DAYS[day.weekday()] not in self.weekend and day not in self.holidays

    def _next(self, day: date) -> date:
        day += DAY
        while not self.works(day):
            day += DAY
        return day

    def to_json(self) -> dict[str, Any]:
        """Return what people read and the database keeps, but for the zone."""
        return {
            "weekend": [day for day in DAYS if day in self.weekend],
            "holidays": sorted(day.isoformat() for day in self.holidays),
            "judge_within": self.judge_within,
            "answer_within": self.answer_within,
        }


def calendar_of(session: Session, organisation_id: UUID) -> Calendar:
    """Return the calendar of an organisation; what it has not set is as in `Calendar`."""
    return calendar(session.get_one(Organisation, organisation_id))


def calendar(organisation: Organisation) -> Calendar:
    """Read the calendar of an organisation."""
    kept = organisation.calendar
    if not kept:
        return Calendar(zone=organisation.time_zone)
    return Calendar(
        zone=organisation.time_zone,
        weekend=frozenset(kept["weekend"]),
        holidays=frozenset(date.fromisoformat(day) for day in kept["holidays"]),
        judge_within=kept["judge_within"],
        answer_within=kept["answer_within"],
    )


def set_calendar(session: Session, *, organisation: Organisation, new: Calendar, now: datetime) -> None:
    """Set the calendar: it holds for what waits too. Invalid names all that is wrong."""
    if wrong := _wrong(new):
        raise Invalid(wrong[0].message, errors=wrong)
    organisation.time_zone, organisation.calendar = new.zone, new.to_json()
    session.add(organisation)
    append(
        session,
        action="organisation.calendar-set",
        subject=f"organisation:{organisation.id}",
        now=now,
        organisation_id=organisation.id,
        body={"time_zone": new.zone, **new.to_json()},
    )


def _wrong(new: Calendar) -> tuple[FieldError, ...]:
    days = range(1, MOST_DAYS + 1)
    checks = (
        (_is_zone(new.zone), "time_zone", "That is no time zone. Name one such as Africa/Cairo or Asia/Riyadh."),
        (new.weekend <= set(DAYS), "weekend", "Days of the week are mon, tue, wed, thu, fri, sat and sun."),
        (len(new.weekend) < len(DAYS), "weekend", "At least one day of the week must be a working day."),
        (len(new.holidays) <= MOST_HOLIDAYS, "holidays", "400 holidays are the most; leave those out that are over."),
        (new.judge_within in days, "judge_within", "Choose 1 to 90 working days."),
        (new.answer_within in days, "answer_within", "Choose 1 to 90 working days."),
    )
    return tuple(FieldError(field, message) for holds, field, message in checks if not holds)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as `Africa`
        return False
    return True
