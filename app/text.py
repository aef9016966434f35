"""Texts in several languages, as rubrics and frameworks hold them: `{"en": ..., "ar": ...}`."""

import unicodedata

Text = dict[str, str]
LANGUAGES = ("en", "ar")
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def in_language(text: Text, language: str) -> str:
    """Return the text in this language, else in English, else in any."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def direction(language: str) -> str:
    """Return how a text of this language runs: `rtl` or `ltr`."""
    return "rtl" if language.split("-", maxsplit=1)[0] in RIGHT_TO_LEFT else "ltr"


def has_control_characters(value: str) -> bool:
    """Say whether a one-line text holds control characters: they can hide or reorder what people read."""
    return any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char not in "\u200c\u200d" for char in value)


def fold(text: str) -> str:
    """Fold a text for searching: no case, accents or Arabic vowel signs; one form of alef, yeh and teh."""
    plain = "".join(
        char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char) and char != "\u0640"
    )
    return unicodedata.normalize("NFC", plain).translate(ONE_FORM).casefold().strip()


ONE_FORM = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه"})


def whole_number(text: str, *, most: int) -> int | None:
    """Read a whole number from 0 to `most` in plain digits; None for anything else, however long it is."""
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if plain and int(text) <= most else None
