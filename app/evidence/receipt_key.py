"""The key that signs receipts: one Ed25519 file for each deployment, readable by its owner only, made once."""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.errors import Unavailable

FILE = "receipt.pem"
MULTICODEC_ED25519 = b"\xed\x01"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half. `multibase` is a Multikey (W3C Controlled Identifiers, 2.2.2); `kid` is derived from it."""

    kid: str
    multibase: str


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """The key with its private half."""

    public: PublicKey
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """Return the signature (RFC 8032, 64 bytes)."""
        return self.private.sign(message)


def receipt_key(folder: Path) -> ReceiptKey:
    """Return the key of this deployment, made at the first call. Processes that start together get the same one."""
    path = folder / FILE
    if not path.exists():
        _make(path)
    loaded = _read(path)
    raw = loaded.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    multibase = "z" + base58.b58encode(MULTICODEC_ED25519 + raw).decode("ascii")
    return ReceiptKey(PublicKey(f"receipt-{multibase[-12:]}", multibase), loaded)


def _read(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(
            "The receipt key %(path)s is not an Ed25519 key. Restore it from your backup.", path=str(path)
        )
    return key


def _make(path: Path) -> None:
    """Write a whole file beside its place and link it there: the first process wins, no one sees half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f".{FILE}.{uuid4().hex}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    finally:
        fresh.unlink()
