"""The JSON-LD contexts that Assay knows, from its own package. Others are refused; nothing is fetched."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from app.errors import Invalid

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
DATA_INTEGRITY = "https://w3id.org/security/data-integrity/v2"
MULTIKEY = "https://w3id.org/security/multikey/v1"
DID = "https://www.w3.org/ns/did/v1"

FILES = {
    CREDENTIALS_V2: "credentials-v2.json",
    OPEN_BADGES: "ob-3.0.3.json",
    DATA_INTEGRITY: "data-integrity-v2.json",
    MULTIKEY: "multikey-v1.json",
    DID: "did-v1.json",
}


class UnknownContext(Invalid):
    """A document names a context that is not one of ours."""

    default_code = "unknown-context"


@cache
def context_bytes(url: str) -> bytes:
    """Return the context exactly as its publisher wrote it. Raises UnknownContext."""
    if url not in FILES:
        raise UnknownContext("The file uses terms from an address that is not known here: %(url)s", url=url[:200])
    return (files(__package__) / "contexts" / FILES[url]).read_bytes()


def load(url: str, _options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give pyld a context. It never asks the network, so a checked file can't make us call anybody."""
    return {
        "document": json.loads(context_bytes(url)),
        "documentUrl": url,
        "contextUrl": None,
        "contentType": "application/ld+json",
    }
