"""DID documents of awarding bodies, and which DID an awarding body has. Pure."""

from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from app.credentials import keys
from app.credentials.vocabulary import DID, MULTIKEY

Json = dict[str, Any]


def did_web(base_url: str, *, slug: str) -> str:
    """Return `did:web:HOST:o:SLUG` (W3C CCG did:web): a port's colon is escaped."""
    return f"did:web:{quote(urlsplit(base_url).netloc, safe='.-')}:o:{slug}"


def method_of(issuer: str, public_key: bytes) -> str:
    """Return the id of the issuer's Ed25519 key: its fragment is the key itself in both DID methods."""
    return f"{issuer}#{keys.multikey(public_key)}"


def document(issuer: str, *, ed25519: tuple[bytes, ...], es256: tuple[ec.EllipticCurvePublicKey, ...]) -> Json:
    """Return did.json: newest key first, older ones stay listed so that what they signed stays genuine."""
    methods = [_multikey(issuer, keys.multikey(key)) for key in ed25519]
    for number, key in enumerate(es256, start=1):
        methods.append(_multikey(issuer, keys.es256_multikey(key)))
        methods.append(
            {
                "id": es256_method(issuer, number=number),
                "type": "JsonWebKey",
                "controller": issuer,
                "publicKeyJwk": keys.jwk(key),
            }
        )
    return {
        "@context": [DID, MULTIKEY],
        "id": issuer,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def es256_method(issuer: str, *, number: int = 1) -> str:
    """Return the id of the issuer's key for VC-JWT."""
    return f"{issuer}#es256-{number}"


def _multikey(issuer: str, key: str) -> Json:
    return {"id": f"{issuer}#{key}", "type": "Multikey", "controller": issuer, "publicKeyMultibase": key}
