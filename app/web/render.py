"""Rendering pages: one Jinja environment, strict about misspelt names, with the filters that templates need.

A template sees `page` (its Page dataclass), `call`, `actor`, `request`, `_`, `ngettext`, `language`, `direction`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app.text import in_language
from app.web.i18n import direction_of, translations

if TYPE_CHECKING:
    from app.web.call import Call

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT.parent / "templates"
STATIC = ROOT / "static"
BABEL_LOCALE = {"en": "en_GB", "ar": "ar_EG@numbers=latn"}
MINUTE = 60
HOUR = 3600


def make_environment() -> Environment:
    """Return the environment of all templates."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({"static": static})
    environment.filters.update(
        {"clock": clock, "duration": duration, "size": size, "percent": percent, "lang": in_language, "bdi": bdi}
    )
    return environment


def render(call: Call[Any], template: str, page: object) -> str:
    """Render a template for one reader."""
    catalogue = translations(call.language)
    return call.deps.templates.get_template(template).render(
        page=page,
        call=call,
        actor=call.maybe_actor,
        request=call.request,
        language=call.language,
        direction=direction_of(call.language),
        _=call._,
        ngettext=lambda one, many, n, **params: str(catalogue.ungettext(one, many, n)) % {"n": n, **params},
        day=lambda value: day(value, call.language),
        moment=lambda value: moment(value, call.language),
        t=lambda text: in_language(text, call.language),
        settings=call.settings,
    )


@cache
def _version(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]


def static(path: str) -> str:
    """Return the address of a static file; it changes with the content, so that it can be cached for good."""
    return f"/static/{path}?v={_version(path)}"


def day(value: datetime, language: str, zone: str = "UTC") -> str:
    """Return a date such as 24 Nov 2026, with Western digits in every language."""
    return str(format_date(value.astimezone(ZoneInfo(zone)), "d MMM y", locale=_babel(language)))


def moment(value: datetime, language: str, zone: str = "UTC") -> str:
    """Return a date and time such as 24 Nov 2026, 12:04; Arabic has its own comma."""
    pattern = "d MMM y، HH:mm" if language == "ar" else "d MMM y, HH:mm"
    local = value.astimezone(ZoneInfo(zone))
    return str(format_datetime(local, pattern, locale=_babel(language), tzinfo=UTC if zone == "UTC" else None))


def _babel(language: str) -> str:
    return {"en": "en_GB", "ar": "ar_EG"}.get(language, "en_GB")


def clock(milliseconds: int) -> str:
    """Return a position in a recording: 6:18 or 1:02:03."""
    seconds = milliseconds // 1000
    hours, rest = divmod(seconds, HOUR)
    return f"{hours}:{rest // MINUTE:02}:{rest % MINUTE:02}" if hours else f"{rest // MINUTE}:{rest % MINUTE:02}"


def duration(milliseconds: int) -> str:
    """Return a length for people, as `clock`."""
    return clock(milliseconds)


def size(size_bytes: int) -> str:
    """Return a size such as 12.4 MB (decimal units, as file managers show)."""
    value, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":  # noqa: PLR2004
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def percent(fraction: str) -> str:
    """Return `200/3` as `66.7`; exact values keep no decimals."""
    numerator, _, denominator = fraction.partition("/")
    top, bottom = int(numerator), int(denominator or 1)
    return str(top // bottom) if top % bottom == 0 else f"{top / bottom:.1f}"


def bdi(value: object) -> Markup:
    """Isolate a piece of another direction (references, times, names)."""
    return Markup("<bdi>{}</bdi>").format(value)
