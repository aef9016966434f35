"""VC-JWT with ES256: the same credential as a compact JWS (Open Badges 3.0 section 8.2.3)."""

import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.credentials.keys import jwk
from app.errors import Invalid

Json = dict[str, Any]

ALGORITHM = "ES256"
# What the JOSE form adds to the credential; each repeats a member of it.
CLAIMS = ("iss", "jti", "nbf", "sub", "exp", "iat")


def sign(document: Json, *, key: ec.EllipticCurvePrivateKey, kid: str) -> str:
    """Return the token. The header holds nothing else: Open Badges 3.0 forbids more."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": "JWT"}
    payload = json.dumps({**document, **claims(document)}, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact(header, payload.encode(), ECKey.import_key(key), algorithms=[ALGORITHM])


def signature_holds(token: str, *, public_jwk: dict[str, str]) -> bool:
    """Say whether this key signed the token with ES256; any other algorithm is refused."""
    try:
        jws.deserialize_compact(token, ECKey.import_key(dict(public_jwk)), algorithms=[ALGORITHM])
    except (JoseError, ValueError):
        return False
    return True


def header_of(token: str) -> Json:
    """Return the protected header, unchecked. Raises Invalid."""
    try:
        return dict(jws.extract_compact(token.encode()).headers())
    except (JoseError, ValueError) as error:
        raise Invalid("This is no signed token.", code="unreadable") from error


def payload_of(token: str) -> bytes:
    """Return the payload, unchecked. Raises Invalid."""
    try:
        payload: bytes = jws.extract_compact(token.encode()).payload
    except (JoseError, ValueError) as error:
        raise Invalid("This is no signed token.", code="unreadable") from error
    return payload


def claims(document: Json) -> Json:
    """Return the registered claims that repeat what the credential says."""
    issuer = document["issuer"]
    found = {
        "iss": issuer["id"] if isinstance(issuer, dict) else issuer,
        "jti": document["id"],
        "nbf": _seconds(document["validFrom"]),
        "sub": document["credentialSubject"]["id"],
    }
    if "validUntil" in document:
        found["exp"] = _seconds(document["validUntil"])
    return found


def claims_agree(token: str, *, document: Json) -> bool:
    """Say whether the registered claims repeat the credential. Raises Invalid where they can't be read."""
    try:
        payload = json.loads(payload_of(token))
        expected = claims(document)
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("This is no signed token.", code="unreadable") from error
    return all(payload.get(name) == value for name, value in expected.items())


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """Return what may be published of the key."""
    return jwk(key.public_key())


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
