"""What checking a credential yields, and where its facts come from. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Verdict(StrEnum):
    """The one-word answer (API.md 4.7)."""

    GENUINE = "genuine"
    NOT_GENUINE = "not-genuine"
    UNKNOWN_ISSUER = "unknown-issuer"
    UNREADABLE = "unreadable"


class Standing(StrEnum):
    """What the status list says."""

    ACTIVE = "active"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `detail` is a gettext id with named places, `params` fills them."""

    name: str
    ok: bool
    detail: str
    params: Mapping[str, str] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the detail in English."""
        return self.detail % self.params if self.params else self.detail


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """An issuer's keys by the id that a proof names. `known`: whoever checks recognises the issuer."""

    id: str
    name: str | None
    known: bool
    ed25519: Mapping[str, bytes]
    es256: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where keys and lists come from. Both refuse with an AssayError when they can't answer.

    `issuer` gives None for an issuer it has no keys of; `status_list` gives the signed list at an address.
    """

    issuer: Callable[[str], IssuerKeys | None]
    status_list: Callable[[str], Json]


@dataclass(frozen=True, slots=True)
class EvidenceProof:
    """An evidence file's SHA-256 and the salt that its holder was given, both in hex."""

    sha256: str
    salt: str


@dataclass(frozen=True, slots=True)
class Named:
    """Something with an address and a name, either of which may be missing in a foreign credential."""

    id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer. `in_force` means genuine, within its dates, and its status list says so."""

    verdict: Verdict
    in_force: bool
    checks: tuple[Check, ...]
    standing: Standing = Standing.UNKNOWN
    credential_id: str | None = None
    holder: Named | None = None
    achievement: Named | None = None
    issuer: Named | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    document: Json | None = None
