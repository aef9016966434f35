"""Every text that people read has an Arabic translation that fits it."""

import re

import pytest
from babel.messages.catalog import Message

from app.web.i18n import ngettext_later, translations
from infra.messages import missing, stored

PLACE = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
ARABIC_DIGITS = re.compile("[\u0660-\u0669\u06f0-\u06f9]")


def texts_of(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def places(texts: list[str]) -> set[str]:
    return {name or other for text in texts for name, other in PLACE.findall(text)}


def messages() -> list[Message]:
    return [each for each in stored("ar") if each.id]


def test_no_text_is_without_a_translation():
    assert missing("ar") == [], "run `python -m infra.messages update` and translate what it lists"


def test_nothing_is_guessed():
    assert [each.id for each in messages() if each.fuzzy] == []


def test_translations_have_the_places_of_their_texts():
    for each in messages():
        wanted = places(texts_of(each.id))
        for text in texts_of(each.string):
            assert places([text]) <= wanted, text
            assert each.pluralizable or places([text]) == wanted, text
            if "%(" in text:
                assert text % dict.fromkeys(wanted, 1)


def test_digits_are_western():
    for each in messages():
        assert not ARABIC_DIGITS.search(" ".join(texts_of(each.string))), each.id


@pytest.mark.parametrize(
    ("number", "words"), [(1, "يوم واحد"), (2, "يومان"), (3, "3 أيام"), (11, "11 يومًا"), (100, "100 يوم")]
)
def test_arabic_counts_in_its_six_forms(number: int, words: str):
    assert ngettext_later("%(n)s day", "%(n)s days", number, "ar") % {"n": number} == words


def test_english_needs_no_catalogue():
    assert translations("en").ugettext("Rubrics") == "Rubrics"
