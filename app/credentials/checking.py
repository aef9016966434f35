"""Checking what somebody hands in over the web: one function for the page and the API."""

from typing import Any

from app.credentials.checks import verify
from app.credentials.sources import open_address, own_sources
from app.credentials.verdict import Report, Sources
from app.errors import FieldError, Invalid
from app.web.call import Call
from app.web.fetch import fetcher_of


def check_upload(call: Call[Any], *, url: str | None) -> Report:
    """Check the uploaded file, or what is at the address. Nothing is stored. Invalid when neither came."""
    content = call.files.get("file")
    if not content and not url:
        raise Invalid(
            "Choose a file, or give the address of a credential.",
            errors=(FieldError("file", "Choose a file, or give the address of a credential."),),
        )
    if not content:
        content = open_address(
            url or "",
            engine=call.deps.engine,
            settings=call.settings,
            fetcher=fetcher_of(call.deps),
            on_behalf_of=_who(call),
        )
    return verify(content, sources=sources_of(call), now=call.now)


def sources_of(call: Call[Any]) -> Sources:
    """Return our database and the web, asked on behalf of this reader."""
    return own_sources(call.deps.engine, call.settings, fetcher=fetcher_of(call.deps), on_behalf_of=_who(call))


def _who(call: Call[Any]) -> str:
    return call.request.client.host if call.request.client else "unknown"
