"""Which characters may be signed: canonicalisers of different languages disagree on some."""

import re
import unicodedata
from typing import Any

# C0 but line feed, DEL and C1: pyld and JavaScript write them differently, and nobody can see them.
# Lone surrogates have no UTF-8 at all.
_UNWRITABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return text that every canonicaliser writes alike.

    CRLF becomes LF and TAB a space; control characters and lone surrogates go; the rest is NFC.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return unicodedata.normalize("NFC", _UNWRITABLE.sub("", lines))


def clean(value: Any) -> Any:
    """Return the JSON value with every text cleaned, keys as they are."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    return value
