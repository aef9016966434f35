"""Damages files by chance, from a seed: bits, bytes, lengths, pieces lost, doubled, moved and cut off."""

import random
from collections.abc import Callable

TELLING = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)  # where lengths and counts overflow
Act = Callable[[bytearray, random.Random], None]


def mutated(content: bytes, seed: int) -> bytes:
    """Return the content with one to eight kinds of damage; the first bytes often stay, so that it gets far."""
    chance = random.Random(seed)  # noqa: S311  # the same seed must give the same file
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        chance.choice(ACTS)(changed, chance)
    if chance.random() < 0.8:
        changed[:16] = content[:16]
    return bytes(changed)


def _place(changed: bytearray, chance: random.Random) -> int:
    """Return a place: any, or one near the beginning or the end, where indexes and headers lie."""
    near = min(2_000, len(changed))
    return max(0, chance.choice((chance.randrange(len(changed)), chance.randrange(near), len(changed) - 1 - near // 2)))


def _flip(changed: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 64)):
        changed[_place(changed, chance)] ^= 1 << chance.randrange(8)


def _noise(changed: bytearray, chance: random.Random) -> None:
    at = _place(changed, chance)
    changed[at : at + 64] = chance.randbytes(len(changed[at : at + 64]))


def _number(changed: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        at = _place(changed, chance) & ~3
        value = chance.choice(TELLING).to_bytes(4, chance.choice(("big", "little")))
        changed[at : at + 4] = value[: len(changed[at : at + 4])]


def _lose(changed: bytearray, chance: random.Random) -> None:
    at = _place(changed, chance)
    if len(changed) > 5_000:
        del changed[at : at + chance.randint(1, 999)]


def _double(changed: bytearray, chance: random.Random) -> None:
    at = _place(changed, chance)
    changed[at:at] = changed[at : at + chance.randint(1, 9_999)]


def _cut(changed: bytearray, chance: random.Random) -> None:
    if len(changed) > 5_000:
        del changed[chance.randrange(len(changed) // 2, len(changed)) :]


ACTS: tuple[Act, ...] = (_flip, _flip, _noise, _number, _number, _lose, _double, _cut)
