"""Times as the API shows them."""

from datetime import UTC, datetime


def rfc3339(value: datetime | None) -> str | None:
    """Return a time in RFC 3339, UTC, with `Z` and milliseconds."""
    return None if value is None else value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
