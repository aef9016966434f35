"""The draw: a committed secret ranks decisions; nobody can predict or repeat it, anybody can check it later.

Source: assessment-science section 3.2. Pure: the secret comes in as bytes and goes nowhere.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

SECRET_BYTES = 32
COMMIT_PREFIX = b"svs-commit-v1|"
SAMPLE_PREFIX = "svs-sample-v1"
# Two equal u have a chance of 2**-53; the key keeps the order defined even then.
RANK = attrgetter("u", "key")


@dataclass(frozen=True, slots=True)
class Draw:
    """The rank of one decision. `u` lies in [0, 1) with 53 bits and is exact as a float."""

    key: str
    u: float


def commitment(secret: bytes) -> str:
    """Return the 64 hex digits that are published when the lot opens and bind the secret."""
    return hashlib.sha256(COMMIT_PREFIX + secret).hexdigest()


def decision_key(*, submission_id: object, attempt: int) -> str:
    """Return the key of a decision. It exists before scoring, so locking again can't change the draw."""
    return f"{submission_id}#{attempt}"


def draw(secret: bytes, *, plan_id: str, plan_version: int, key: str) -> Draw:
    """Rank one decision: the first 53 bits of an HMAC over plan and key, as a fraction of one."""
    message = f"{SAMPLE_PREFIX}|{plan_id}|{plan_version}|{key}".encode()
    digest = hmac.digest(secret, message, "sha256")
    return Draw(key=key, u=(int.from_bytes(digest[:8], "big") >> 11) / 2**53)


def draw_all(secret: bytes, *, plan_id: str, plan_version: int, keys: Iterable[str]) -> tuple[Draw, ...]:
    """Rank decisions, in the order of their keys as given."""
    return tuple(draw(secret, plan_id=plan_id, plan_version=plan_version, key=key) for key in keys)


def smallest(draws: Sequence[Draw], n: int) -> tuple[Draw, ...]:
    """Return the `n` lowest ranks, ascending: a simple random sample. A larger `n` only adds."""
    return tuple(sorted(draws, key=RANK)[:n])


def below(draws: Sequence[Draw], rate: float) -> tuple[Draw, ...]:
    """Return the decisions with u < rate, in the order given."""
    return tuple(each for each in draws if each.u < rate)


def below_topped_up(draws: Sequence[Draw], *, rate: float, n: int) -> tuple[Draw, ...]:
    """Return the decisions with u < rate, then the next smallest until there are `n`."""
    picked = below(draws, rate)
    return picked + tuple(each for each in smallest(draws, n) if each.u >= rate)
