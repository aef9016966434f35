"""Status lists: one bit for each credential, published compressed (W3C Bitstring Status List 1.0). Pure."""

import gzip
import io
import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta

from app.errors import Invalid

# The least that the standard allows; smaller lists would show who else is on them.
ENTRIES = 131_072
MAX_BYTES = 4 * 1024 * 1024
LIFETIME = timedelta(hours=24)


def empty(entries: int = ENTRIES) -> bytes:
    """Return a list on which nothing is set."""
    return bytes(entries // 8)


def encode(bits: bytes) -> str:
    """Return multibase base64url of the compressed bits; index 0 is the leftmost bit."""
    # mtime=0: the same bits give the same text, so that nothing is published anew without need.
    return "u" + urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")


def is_set(encoded: str, *, index: int) -> bool:
    """Say whether the bit is set. Raises Invalid for a list that can't be read or has no such index."""
    bits = decode(encoded)
    if not 0 <= index < len(bits) * 8:
        raise Invalid("The status list has no such entry.", code="status-unreadable")
    return bool(bits[index // 8] & (0x80 >> (index % 8)))


def decode(encoded: str) -> bytes:
    """Return the bits, at most 4 MiB of them. Raises Invalid."""
    if not encoded.startswith("u"):
        raise Invalid("The status list is not in base64url.", code="status-unreadable")
    try:
        packed = urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4))
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            bits = file.read(MAX_BYTES + 1)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise Invalid("The status list can't be unpacked.", code="status-unreadable") from error
    if not ENTRIES // 8 <= len(bits) <= MAX_BYTES:
        raise Invalid("The status list is too short or too long.", code="status-unreadable")
    return bits


def unused_index(is_used: Callable[[int], bool], *, entries: int = ENTRIES, tries: int = 20) -> int | None:
    """Return a random index that nobody has, or None when the list is so full that a new one is better.

    Random, so that neighbours on the list say nothing about who was awarded when (herd privacy).
    """
    for _ in range(tries):
        if not is_used(index := secrets.randbelow(entries)):
            return index
    return None


def with_bit(bits: bytes, *, index: int, is_set: bool) -> bytes:
    """Return the bits with one of them set or cleared."""
    changed = bytearray(bits)
    mask = 0x80 >> (index % 8)
    changed[index // 8] = changed[index // 8] | mask if is_set else changed[index // 8] & ~mask
    return bytes(changed)
