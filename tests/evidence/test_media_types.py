"""What a candidate writes about a file is told to nobody else, unless everybody writes it so."""

import re

import pytest

from app.evidence.media_types import KNOWN, told
from app.web.render import STATIC


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Audio/WebM;codecs=opus", "audio/webm"),
        ('video/mp4; name="Amira Nasser.mp4"', "video/mp4"),
        ("video/recorded.under.supervision", "application/octet-stream"),
    ],
)
def test_only_known_types_are_told(said: str, expected: str):
    assert told(said) == expected


def test_what_our_own_uploader_sends_is_known():
    sent = set(re.findall(r'"([a-z]+/[^"]+)"', (STATIC / "js/upload/kinds.js").read_text()))
    assert len(sent) > 10
    assert sent - {"application/octet-stream"} <= KNOWN
