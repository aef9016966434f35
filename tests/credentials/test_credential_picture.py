"""The badge picture and the credential inside it."""

import zlib
from xml.etree import ElementTree as ET

import pytest
import segno

from app.credentials import baking, picture
from app.errors import Invalid

ADDRESS = "https://assay.example/credentials/5a0b3c62-7f3b-4a55-9d2e-3f1d1a2b3c4d"
TEXT = picture.BadgeText('Service <"Call"> & more', "Nile Institute", "24 November 2026", "en")


def pixels(png):
    data = b"".join(chunk for kind, chunk in chunks(png) if kind == b"IDAT")
    rows = zlib.decompress(data)
    stride = 4 * picture.SIZE + 1
    return [rows[at + 1 : at + stride] for at in range(0, len(rows), stride)]


def chunks(png):
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def test_png_shows_the_mark_on_clear_corners_with_a_code_that_scans():
    rows = pixels(picture.png(ADDRESS))
    assert len(rows) == picture.SIZE
    assert rows[0][:4] == b"\x00\x00\x00\x00"
    assert rows[300][4 * 60 : 4 * 60 + 3] == bytes(picture.GREEN)
    matrix = [list(row) for row in segno.make(ADDRESS, error="l").matrix]
    dot = 190 // len(matrix)
    left, top = (picture.SIZE - dot * len(matrix)) // 2, picture.CODE_CENTRE - dot * len(matrix) // 2
    seen = [
        [int(rows[top + dot * y + dot // 2][4 * (left + dot * x + dot // 2)] < 128) for x in range(len(matrix))]
        for y in range(len(matrix))
    ]
    assert seen == matrix


def test_svg_is_well_formed_and_says_title_and_issuer():
    tree = ET.fromstring(picture.svg(TEXT))  # noqa: S314 - our own picture
    words = " ".join(tree.itertext())
    assert 'Service <"Call"> &' in words
    assert "Nile Institute" in words
    badge = picture.svg(picture.BadgeText("مكالمة خدمة", "المعهد", "2026", "ar"))
    arabic = ET.fromstring(badge)  # noqa: S314 - our own picture
    assert arabic.get("direction") == "rtl"


@pytest.mark.parametrize("length", [1, 30, 400])
def test_long_titles_stay_on_the_badge(length):
    lines = picture.wrapped("word " * length, letters=22, lines=3)
    assert 1 <= len(lines) <= 3
    assert all(len(line) <= 31 for line in lines)
    assert picture.wrapped("x" * 500, letters=22, lines=3) == ["x" * 29 + "…"]


@pytest.mark.parametrize("sealed", ['{"name": "a ]]> b & <c> أمينة"}', "eyJ.eyJ.sig"])
def test_credential_comes_out_of_the_picture_as_it_went_in(sealed):
    baked = baking.bake_png(picture.png(ADDRESS), sealed=sealed)
    assert baking.unbake_png(baked) == sealed
    assert baking.bake_png(baked, sealed=sealed) == baked
    inside = baking.unbake_svg(baking.bake_svg(picture.svg(TEXT), sealed=sealed).encode())
    assert inside.replace("\\u003e", ">") == sealed


def test_picture_with_two_credentials_is_refused():
    once = baking.bake_svg(picture.svg(TEXT), sealed="a.b.c")
    twice = once.replace("</svg>", '<openbadges:credential verify="d.e.f"/></svg>')
    with pytest.raises(Invalid, match="no credential"):
        baking.unbake_svg(twice.encode())
    with pytest.raises(Invalid, match="no credential"):
        baking.unbake_png(picture.png(ADDRESS))
