"""Languages of the interface: gettext catalogues read from `locale/`, and the choice for one request."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request

LANGUAGES = ("en", "ar")
RIGHT_TO_LEFT = frozenset({"ar"})
COOKIE = "assay_language"
LOCALE = Path(__file__).parent.parent / "locale"


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a language. The .po file is the only form: it is compiled in memory at first use."""
    source = LOCALE / language / "LC_MESSAGES" / "assay.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def language_of(request: Request, *, preferred: str | None = None) -> str:
    """Choose the language: the reader's own choice (cookie), the person's setting, what the browser asks for."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    if preferred in LANGUAGES:
        return preferred
    wanted = [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((language for language in wanted if language in LANGUAGES), "en")


def direction_of(language: str) -> str:
    """Return `rtl` or `ltr`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def N_(message: str) -> str:  # noqa: N802  # gettext's own name for "extract this, translate it later"
    """Mark a message for the catalogue; it is translated where it is shown."""
    return message


def ngettext_later(singular: str, plural: str, number: int, language: str) -> str:
    """Translate a message that counts something."""
    return str(translations(language).ungettext(singular, plural, number))
