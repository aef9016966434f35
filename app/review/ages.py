"""How old and how urgent something is, counted for people. Pure; the words are the page's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Urgency(StrEnum):
    """How soon something is due."""

    LATE = "late"
    TODAY = "today"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Due:
    """How long until it is due, or how late it is: whole hours, or days from two on."""

    urgency: Urgency
    hours: int
    days: int


def due(at: datetime, *, now: datetime) -> Due:
    """Say how urgent something is. Today is the next 24 hours: the clock of the reader is not known here."""
    left = at - now
    if left < timedelta(0):
        return Due(Urgency.LATE, hours=max(1, -left // HOUR), days=-left // DAY)
    urgency = Urgency.TODAY if left <= DAY else Urgency.LATER
    return Due(urgency, hours=max(1, left // HOUR), days=left // DAY)


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago something was: days from one on, else hours, else minutes."""

    days: int
    hours: int
    minutes: int


def age(since: datetime, *, now: datetime) -> Age:
    """Say how long ago `since` was."""
    gone = max(timedelta(0), now - since)
    return Age(days=gone // DAY, hours=gone // HOUR, minutes=gone // timedelta(minutes=1))
