"""Secrets of people: passwords (argon2id), random secrets of which only the SHA-256 is stored."""

import hashlib
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

MIN_PASSWORD = 8


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password (parameters and salt included)."""
    return _hasher().hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Compare a password; with no hash the same work is done, so that time tells nothing about who exists."""
    try:
        return _hasher().verify(password_hash or _decoy(), password) and password_hash is not None
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return what is stored of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
