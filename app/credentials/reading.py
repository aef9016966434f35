"""From bytes that somebody hands in (JSON, token, PNG, SVG) to one credential. Nothing is believed yet."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.credentials import baking, vc_jwt
from app.errors import Invalid

Json = dict[str, Any]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class Unreadable(Invalid):
    """What was handed in holds no credential."""

    default_code = "unreadable"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A credential as found. `token` is set where it is secured as VC-JWT instead of by an embedded proof."""

    document: Json
    token: str | None = None


def read(content: bytes) -> Sealed:
    """Find the credential in a file of any of the four kinds. Raises Invalid with a sentence."""
    if len(content) > MAX_BYTES:
        raise Unreadable("The file is larger than a credential can be.")
    if content.startswith(baking.PNG_SIGNATURE):
        return _from_text(baking.unbake_png(content))
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise Unreadable("This file is neither a credential nor a badge picture.") from error
    if text.startswith("<"):
        return _from_text(baking.unbake_svg(content))
    return _from_text(text)


def read_json(text: str) -> Json:
    """Read one JSON object in which each name stands once. Raises Unreadable.

    Two members of the same name would let two readers see two documents.
    """
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        text.encode()
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable("This file is neither a credential nor a badge picture.") from error
    if not isinstance(document, dict) or _depth(document) > MAX_DEPTH:
        raise Unreadable("This file is neither a credential nor a badge picture.")
    return document


def moment_of(value: Any) -> datetime | None:
    """Read a date with its time and zone; None for anything else, such as a thirteenth month or the year 0."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _from_text(text: str) -> Sealed:
    if not _TOKEN.fullmatch(text):
        return Sealed(document=read_json(text))
    try:
        payload = read_json(vc_jwt.payload_of(text).decode())
    except UnicodeDecodeError as error:
        raise Unreadable("This is no signed token.") from error
    return Sealed(document={key: value for key, value in payload.items() if key not in vc_jwt.CLAIMS}, token=text)


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    """Return how deep it is nested, level by level: recursion would be what we guard against."""
    level, layer = 0, [value]
    while layer and level <= MAX_DEPTH:
        level += 1
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return level
