"""The shape of a start page: per role, what to do next, what waits, and counts last."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.actor import Role
from app.text import Text


@dataclass(frozen=True, slots=True)
class Words:
    """How to say things to this reader: gettext, a text in several languages, a date."""

    _: Callable[..., str]
    count: Callable[..., str]
    text: Callable[[Text], str]
    day: Callable[[datetime], str]
    moment: Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do: what, why, a tag, and a link where there is a page for it. `tone` is the tag's colour."""

    title: str
    why: str = ""
    tag: str = ""
    tone: str = ""
    path: str | None = None
    button: str = ""


@dataclass(frozen=True, slots=True)
class WorkList:
    """A list of things to do, or what to say when there is nothing."""

    title: str
    items: list[Work]
    empty: str
    empty_why: str = ""
    empty_path: str | None = None
    empty_button: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """One quiet figure."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """One role's part of the start page."""

    role: Role
    next: Work | None
    lists: list[WorkList]
    counts_title: str
    counts: list[Count] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StartPage:
    """What a person sees first: one part for each of their roles."""

    name: str
    organisation: Text
    parts: list[Part]
