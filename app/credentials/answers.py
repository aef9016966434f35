"""JSON answers about credentials: the shapes of API sections 4.6 and 4.7."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.credentials.models import Credential
from app.credentials.rules import state_today
from app.credentials.signing import timestamp
from app.credentials.verdict import Named, Report

Json = dict[str, Any]

FORMS = ("json", "jwt", "png", "svg")


def report_json(report: Report, translate: Callable[..., str]) -> Json:
    """Return the answer of `verify`."""
    return {
        "verdict": report.verdict.value,
        "in_force": report.in_force,
        "checks": [
            {"name": check.name, "ok": check.ok, "detail": translate(check.detail, **check.params)}
            for check in report.checks
        ],
        "id": report.credential_id,
        "holder": _named(report.holder),
        "achievement": _named(report.achievement),
        "issuer": _named(report.issuer),
        "valid_from": _moment(report.valid_from),
        "valid_until": _moment(report.valid_until),
        "status": report.standing.value,
    }


def credential_json(row: Credential, *, base_url: str, now: datetime) -> Json:
    """Return a credential as its holder and its issuer see it."""
    signed = row.document is not None
    return {
        "id": str(row.id),
        "submission_id": str(row.submission_id),
        "achievement_id": str(row.achievement_id),
        "state": state_today(row.state, valid_until=row.valid_until, now=now).value,
        "valid_from": _moment(row.valid_from),
        "valid_until": _moment(row.valid_until),
        "files": {form: f"{base_url}/credentials/{row.id}.{form}" for form in FORMS} if signed else {},
        "reason": row.reason,
    }


def _named(named: Named | None) -> Json | None:
    return {"id": named.id, "name": named.name} if named else None


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
