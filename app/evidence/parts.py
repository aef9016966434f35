"""How a file is cut into parts: pure arithmetic over the limits of S3 (5 MiB to 5 GiB a part, 10,000 parts)."""

from collections.abc import Iterable, Mapping

MIB = 1024**2
SMALLEST_BYTES = 5 * MIB  # every part but the last
USUAL_BYTES = 8 * MIB  # few requests, and a lost one costs little on a phone
LARGEST_BYTES = 512 * MIB
MOST_PARTS = 10_000


def part_size(size_bytes: int | None) -> int:
    """Return the size of all parts but the last, whole mebibytes. Of an unknown length: the smallest allowed."""
    if size_bytes is None:
        return SMALLEST_BYTES
    needed = -(-size_bytes // MOST_PARTS)
    return max(USUAL_BYTES, -(-needed // MIB) * MIB)


def part_count(size_bytes: int, part_size_bytes: int) -> int:
    """Return how many parts a file has; an empty one has one, of no bytes."""
    return max(1, -(-size_bytes // part_size_bytes))


def size_of_part(number: int, *, size_bytes: int, part_size_bytes: int) -> int | None:
    """Return the exact size of part `number` (from 1), or None when the file has no such part."""
    count = part_count(size_bytes, part_size_bytes)
    if not 1 <= number <= count:
        return None
    return size_bytes - part_size_bytes * (count - 1) if number == count else part_size_bytes


def missing_of_known(held: Mapping[int, int], *, size_bytes: int, part_size_bytes: int) -> list[int]:
    """Return the numbers that the store lacks, or holds in another size. `held`: number -> size."""
    numbers = range(1, part_count(size_bytes, part_size_bytes) + 1)
    exact = {n: size_of_part(n, size_bytes=size_bytes, part_size_bytes=part_size_bytes) for n in numbers}
    return [number for number in numbers if held.get(number) != exact[number]]


def missing_of_unknown(held: Iterable[int], *, count: int | None) -> list[int]:
    """Return the numbers that are missing up to `count`, or up to the largest that came when no count is given."""
    numbers = set(held)
    return [number for number in range(1, (count or max(numbers, default=1)) + 1) if number not in numbers]
