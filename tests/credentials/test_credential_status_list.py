"""Status lists: the bits, their order, and what is not accepted as a list."""

import gzip
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.credentials import status
from app.errors import Invalid
from tests.credentials.award import bits_with


def packed(bits: bytes) -> str:
    return "u" + urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")


def test_list_of_the_standard_is_read_leftmost_bit_first():
    """Bitstring Status List 1.0: index 0 is the left-most bit."""
    bits = bytearray(status.ENTRIES // 8)
    bits[0] = 0x80
    bits[1] = 0x01
    assert status.is_set(packed(bytes(bits)), index=0)
    assert status.is_set(packed(bytes(bits)), index=15)
    assert not status.is_set(packed(bytes(bits)), index=7)


@settings(max_examples=20, deadline=None)
@given(chosen=st.sets(st.integers(0, status.ENTRIES - 1), max_size=40))
def test_what_is_set_is_read_back_and_nothing_else(chosen):
    encoded = status.encode(bits_with(chosen))
    bits = status.decode(encoded)
    assert {8 * byte + bit for byte in range(len(bits)) for bit in range(8) if bits[byte] & 0x80 >> bit} == chosen
    assert status.encode(bits_with(chosen)) == encoded
    for index in chosen:
        bits = status.with_bit(bits, index=index, is_set=False)
    assert bits == status.empty()


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "zabc",
        "u!!!",
        "uAAAA",
        packed(b"\x00" * 100),
        packed(b"\x00" * (status.MAX_BYTES + 1)),
        packed(b"\x00" * (status.ENTRIES // 8))[:-9],
    ],
)
def test_what_is_no_list_is_refused(encoded):
    with pytest.raises(Invalid):
        status.is_set(encoded, index=0)


def test_index_outside_the_list_is_refused():
    with pytest.raises(Invalid, match="no such entry"):
        status.is_set(status.encode(status.empty()), index=status.ENTRIES)


def test_index_is_random_unused_and_none_when_full():
    used = set(range(0, 64, 2))
    found = {status.unused_index(used.__contains__, entries=64, tries=200) for _ in range(800)}
    assert found == set(range(1, 64, 2))
    assert status.unused_index(set(range(64)).__contains__, entries=64) is None
