"""Signing keys: the port, keys in files, and how public keys are written (multibase, did:key, JWK)."""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

# Multicodec prefixes of public keys (W3C Controlled Identifiers 1.0, Multikey).
ED25519_PREFIX = b"\xed\x01"
P256_PREFIX = b"\x80\x24"
ED25519_BYTES = 32
P256_COORDINATE_BYTES = 32
DID_KEY = "did:key:"


class Signer(Protocol):
    """Whatever signs with Ed25519: a file, a key management service, a hardware module."""

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""


class FileSigner:
    """An Ed25519 key from a PEM file that only its owner may read (0600)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def file_signer(folder: Path, *, name: str) -> FileSigner:
    """Return the Ed25519 key `name`, made at its first use."""
    key = _read_or_make(folder, f"{name}.ed25519.pem", make=Ed25519PrivateKey.generate)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{name} is not an Ed25519 key")
    return FileSigner(key)


def file_es256_key(folder: Path, *, name: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key `name` for VC-JWT, made at its first use."""
    key = _read_or_make(folder, f"{name}.es256.pem", make=lambda: ec.generate_private_key(ec.SECP256R1()))
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{name} is not a P-256 key")
    return key


def _read_or_make(folder: Path, name: str, *, make: Callable[[], PrivateKeyTypes]) -> PrivateKeyTypes:
    path = folder / name
    if not path.exists():
        _write_once(path, _pem(make()))
    return serialization.load_pem_private_key(path.read_bytes(), password=None)


def _pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_once(path: Path, content: bytes) -> None:
    """Create the file whole or not at all; whoever comes second keeps the first one's key.

    A hard link fails when the name exists and never shows a half-written file, whatever dies in between.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def verify_ed25519(public_key: bytes, *, signature: bytes, message: bytes) -> bool:
    """Say whether the holder of the key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def multibase(data: bytes) -> str:
    """Return base58btc with its multibase letter."""
    return "z" + base58.b58encode(data).decode()


def from_multibase(text: str) -> bytes:
    """Read base58btc with its multibase letter. Raises ValueError."""
    if not text.startswith("z"):
        raise ValueError("only base58btc (z) is used here")
    return bytes(base58.b58decode(text[1:]))


def multikey(public_key: bytes) -> str:
    """Return an Ed25519 public key as `z6Mk...`."""
    return multibase(ED25519_PREFIX + public_key)


def from_multikey(text: str) -> bytes:
    """Return the raw Ed25519 public key of `z6Mk...`. Raises ValueError."""
    decoded = from_multibase(text)
    if decoded[:2] != ED25519_PREFIX or len(decoded) != ED25519_BYTES + 2:
        raise ValueError("not an Ed25519 public key")
    return decoded[2:]


def did_key(public_key: bytes) -> str:
    """Return the `did:key` of an Ed25519 public key (W3C CCG did:key 0.9)."""
    return DID_KEY + multikey(public_key)


def did_key_method(did: str) -> str:
    """Return the verification method of a `did:key`: its fragment repeats the key."""
    return f"{did}#{did.removeprefix(DID_KEY)}"


def jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return a P-256 public key as JWK (RFC 7518 section 6.2.1), with what it is for."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": _coordinate(numbers.x),
        "y": _coordinate(numbers.y),
        "alg": "ES256",
        "use": "sig",
    }


def ed25519_jwk(public_key: bytes) -> dict[str, str]:
    """Return an Ed25519 public key as JWK (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public_key), "use": "sig"}


def es256_multikey(key: ec.EllipticCurvePublicKey) -> str:
    """Return a P-256 public key as `zDna...`."""
    point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return multibase(P256_PREFIX + point)


def _coordinate(number: int) -> str:
    return _base64url(number.to_bytes(P256_COORDINATE_BYTES, "big"))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def from_es256_multikey(text: str) -> ec.EllipticCurvePublicKey:
    """Return the P-256 public key of `zDna...`. Raises ValueError."""
    decoded = from_multibase(text)
    if decoded[:2] != P256_PREFIX:
        raise ValueError("not a P-256 public key")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded[2:])
