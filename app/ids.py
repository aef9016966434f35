"""Identifiers: random UUIDs for rows, short references for people."""

import secrets
from uuid import UUID, uuid4

# No vowels (no words), no 0/O/1/I/L: a reference is read aloud and typed.
REFERENCE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"


def new_id() -> UUID:
    """Return a random identifier: 122 bits, not guessable."""
    return uuid4()


def new_reference() -> str:
    """Return what people call a submission, such as `7F3K-2M8Q`. Unique by constraint, not by itself."""
    letters = [secrets.choice(REFERENCE_ALPHABET) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])
