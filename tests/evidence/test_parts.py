"""How files are cut: the parts make the whole again, within the limits of S3."""

from hypothesis import given
from hypothesis import strategies as some

from app.evidence import parts


@given(some.integers(min_value=0, max_value=5 * 1024**4))
def test_parts_add_up_to_the_file(size_bytes: int):
    part = parts.part_size(size_bytes)
    count = parts.part_count(size_bytes, part)
    assert parts.SMALLEST_BYTES <= part <= 5 * 1024**3
    assert 1 <= count <= parts.MOST_PARTS
    ends = [parts.size_of_part(number, size_bytes=size_bytes, part_size_bytes=part) for number in (1, count)]
    assert None not in ends
    assert part * (count - 1) + (ends[1] or 0) == size_bytes
    assert parts.size_of_part(0, size_bytes=size_bytes, part_size_bytes=part) is None
    assert parts.size_of_part(count + 1, size_bytes=size_bytes, part_size_bytes=part) is None


@given(some.sets(some.integers(min_value=1, max_value=20)))
def test_whatever_did_not_arrive_is_missing(lost: set[int]):
    size = parts.USUAL_BYTES * 19 + 5
    sizes = {
        number: parts.size_of_part(number, size_bytes=size, part_size_bytes=parts.USUAL_BYTES) or 0
        for number in range(1, 21)
    }
    held = {number: bytes_ for number, bytes_ in sizes.items() if number not in lost}
    assert parts.missing_of_known(held, size_bytes=size, part_size_bytes=parts.USUAL_BYTES) == sorted(lost)
    assert parts.missing_of_unknown(held, count=20) == sorted(lost)


def test_a_part_of_the_wrong_size_is_missing():
    assert parts.missing_of_known({1: 4}, size_bytes=5, part_size_bytes=parts.USUAL_BYTES) == [1]


def test_nothing_at_all_lacks_the_first_part():
    assert parts.missing_of_unknown([], count=None) == [1]
