"""Whether a credential still holds, by the status list that its issuer publishes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.credentials import signing, status, structure
from app.credentials.reading import moment_of
from app.credentials.verdict import Check, IssuerKeys, Standing
from app.errors import AssayError, Invalid

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The check, and what the list says."""

    check: Check
    standing: Standing


def check_status(
    document: Json, *, issuer: IssuerKeys | None, fetch: Callable[[str], Json], now: datetime
) -> StatusResult:
    """Read this credential's bit in a list that its own issuer signed (Bitstring Status List 1.0, 3.2)."""
    entry = document.get("credentialStatus")
    if entry is None:
        return _result(Standing.ACTIVE, ok=True, detail="It can't be revoked; it carries no status.")
    try:
        is_set = _bit(entry, issuer=issuer, fetch=fetch, now=now)
    except AssayError as refusal:
        return _result(
            Standing.UNKNOWN,
            ok=False,
            detail=refusal.detail,
            params={name: str(value) for name, value in refusal.params.items()},
        )
    if not is_set:
        return _result(Standing.ACTIVE, ok=True, detail="Not suspended, not revoked.")
    if entry.get("statusPurpose") == "suspension":
        return _result(Standing.SUSPENDED, ok=False, detail="It is suspended.")
    return _result(Standing.REVOKED, ok=False, detail="It was revoked.")


def _bit(entry: Json, *, issuer: IssuerKeys | None, fetch: Callable[[str], Json], now: datetime) -> bool:
    """Return the bit. Raises AssayError with the reason when the list can't be trusted."""
    address, index = entry.get("statusListCredential"), entry.get("statusListIndex")
    if entry.get("type") != "BitstringStatusListEntry" or not isinstance(address, str):
        raise Invalid("This kind of status is not known here.")
    if not (isinstance(index, str) and index.isascii() and index.isdigit()):
        raise Invalid("The status entry has no index.")
    if issuer is None:
        raise Invalid("The issuer's keys are not available.")
    listed = fetch(address)
    if reason := _why_not_trusted(listed, entry=entry, issuer=issuer, now=now):
        raise Invalid(reason)
    return status.is_set(listed["credentialSubject"]["encodedList"], index=int(index[:9]))


def _why_not_trusted(listed: Json, *, entry: Json, issuer: IssuerKeys, now: datetime) -> str | None:
    if structure.why_not(listed, schema=structure.STATUS_LIST):
        return "The status list is not built like one."
    if listed["id"] != entry["statusListCredential"]:
        return "The status list is another one."
    if listed["credentialSubject"]["statusPurpose"] != entry.get("statusPurpose"):
        return "The status list is for another purpose."
    if structure.issuer_id(listed) != issuer.id or not _signed(listed, issuer=issuer):
        return "The status list is not signed by the issuer."
    ends = moment_of(listed.get("validUntil"))
    if "validUntil" in listed and (ends is None or ends <= now):
        return "The status list is out of date."
    return None


def _signed(listed: Json, *, issuer: IssuerKeys) -> bool:
    return signing.signed_by(listed, methods=issuer.ed25519)


def _result(standing: Standing, *, ok: bool, detail: str, params: dict[str, str] | None = None) -> StatusResult:
    return StatusResult(Check("status", ok=ok, detail=detail, params=params or {}), standing)
