"""Reasons that people read: a stable code and a sentence, stored as JSON and translated when they are shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

Translate = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused or failed. `message` is a gettext id with named places (`%(name)s`)."""

    code: str
    message: str
    params: dict[str, str | int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"code": self.code, "message": self.message, "params": self.params}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        """Read the stored form."""
        return cls(body["code"], body["message"], body.get("params") or {})

    def shown(self, translate: Translate) -> dict[str, str]:
        """Return what the API shows, in the reader's language."""
        return {"code": self.code, "message": translate(self.message, **self.params)}


def english(message: str, **params: str | int) -> str:
    """Fill in the places of a message as it was written."""
    return message % params if params else message


def shown(body: dict[str, Any] | None, translate: Translate) -> dict[str, str] | None:
    """Return a stored reason as the API shows it; None stays None."""
    return None if body is None else Reason.from_json(body).shown(translate)
