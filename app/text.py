"""Texts in several languages, as rubrics and frameworks hold them: `{"en": ..., "ar": ...}`."""

import unicodedata

Text = dict[str, str]
LANGUAGES = ("en", "ar")


def in_language(text: Text, language: str) -> str:
    """Return the text in this language, else in English, else in any."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def has_control_characters(value: str) -> bool:
    """Say whether a one-line text holds control characters: they can hide or reorder what people read."""
    return any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char not in "\u200c\u200d" for char in value)
