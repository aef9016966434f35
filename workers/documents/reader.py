"""The text of one document, as JSON on standard output. Runs in the sandbox, as a file, without our packages.

`reader.py KIND PATH [FOLDERS...]`; the folders are where python-docx and pypdfium2 lie. Prints `{"parts": [...]}` or
`{"refusal": CODE}`. Nothing is unpacked to the disk, and every size is checked while it is read, not before:
what an archive says about itself is not believed (reliability notes 2.4).
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

MOST_CHARACTERS = 1_000_000
MOST_PAGES = 1_000
MOST_PARTS = 100_000  # empty ones count: a million of them would fill the memory of whoever reads our answer
ARABIC_SHARE = 0.7  # of the letters beyond ASCII, for an old Arabic encoding to be believed
FROM_THE_RIGHT = frozenset({"R", "AL"})  # how Unicode calls letters of Hebrew and of Arabic
Part = dict[str, object]


class Refused(Exception):
    """The document can't be read: its message is a code."""


class Sheet:
    """Collects the parts of a text, up to a limit, without those that hold nothing."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._left = MOST_CHARACTERS
        self._parts_left = MOST_PARTS

    def add(self, text: str, **facts: object) -> None:
        """Keep a paragraph, with what is known of it: `kind`, `level`, `page`."""
        self._left -= len(text)
        self._parts_left -= 1
        if self._left < 0 or self._parts_left < 0:
            raise Refused("too-long")
        if text and not text.isspace():
            self.parts.append({"text": text, **{name: value for name, value in facts.items() if value}})


def read_docx(path: str) -> dict[str, object]:
    """Return the parts of a Word document."""
    # Beside this file, as python-docx is in the folders that we are told; other kinds do without.
    from word import Unfit, paragraphs  # type: ignore[import-not-found]  # noqa: PLC0415

    sheet = Sheet()
    try:
        for text, facts in paragraphs(path):
            sheet.add(text, **facts)
    except Unfit as error:
        raise Refused(str(error)) from error
    return {"parts": sheet.parts}


def read_pdf(path: str) -> dict[str, object]:
    """Return the parts of a PDF: blank lines and pages part them. Scripts in it never run: only text is asked for."""
    import pypdfium2  # noqa: PLC0415  # as above

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "password" in str(error).lower() else "damaged") from error
    if len(document) > MOST_PAGES:
        raise Refused("too-long")
    sheet = Sheet()
    for number in range(len(document)):
        for text in _page_text(document, number, pypdfium2.PdfiumError).replace("\r\n", "\n").split("\n\n"):
            sheet.add(text, page=number + 1)
    return {"parts": sheet.parts, "pages": len(document)}


def _page_text(document: Any, number: int, broken: type[Exception]) -> str:
    """Return the text of a page; nothing for one that is damaged: the others are worth reading."""
    try:
        page = document[number].get_textpage()
        text = str(page.get_text_range())
        if not any(_from_the_right(sign) for sign in text) or len(text) != page.count_chars():
            return text
        return as_read(text, [page.get_charbox(index)[0] for index in range(len(text))])
    except broken:
        return ""


def _from_the_right(sign: str) -> bool:
    return unicodedata.bidirectional(sign) in FROM_THE_RIGHT


def _in_words(sign: str) -> bool:
    return sign == " " or _from_the_right(sign)


def as_read(text: str, lefts: Sequence[float]) -> str:
    """Return a text with its Arabic and Hebrew words as they are read; `lefts` says where each sign stands on the page.

    Browsers print such words backwards into a PDF: each sign stands further to the right than the one before it.
    """
    signs = list(text)
    start = 0
    while start < len(signs):
        end = start + 1
        if _from_the_right(signs[start]):
            while end < len(signs) and _in_words(signs[end]) and lefts[end] > lefts[end - 1]:
                end += 1
            while signs[end - 1] == " ":
                end -= 1
            signs[start:end] = reversed(signs[start:end])
        start = end
    return "".join(signs)


def read_text(path: str) -> dict[str, object]:
    """Return the paragraphs of a plain text: Unicode, else an old encoding where that makes sense."""
    with open(path, "rb") as file:  # noqa: PTH123  # quick start
        content = file.read(4 * MOST_CHARACTERS + 1)
    if len(content) > 4 * MOST_CHARACTERS:
        raise Refused("too-long")
    text, is_guessed = decoded(content)
    sheet = Sheet()
    for paragraph in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        sheet.add(paragraph)
    return {"parts": sheet.parts, "guessed": is_guessed}


def decoded(content: bytes) -> tuple[str, bool]:
    """Return a text and whether its encoding had to be guessed: Windows-1256 for Arabic, else Windows-1252."""
    is_wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig"), False
    except UnicodeDecodeError as error:
        if is_wide:
            raise Refused("damaged") from error
    text = content.decode("cp1256", errors="replace")
    foreign = [sign for sign in text if ord(sign) > 127 and (sign.isalpha() or sign == "\ufffd")]  # noqa: PLR2004  # ASCII
    if foreign and sum("\u0600" <= sign <= "\u06ff" for sign in foreign) >= ARABIC_SHARE * len(foreign):
        return text, True
    try:
        return content.decode("cp1252"), True
    except UnicodeDecodeError as error:
        raise Refused("damaged") from error


READERS: dict[str, Callable[[str], dict[str, object]]] = {"docx": read_docx, "pdf": read_pdf, "text": read_text}


def main(arguments: list[str]) -> None:
    """Read and print."""
    kind, path, *folders = arguments
    sys.path += folders
    try:
        answer = READERS[kind](path)
    except Refused as refused:
        answer = {"refusal": str(refused)}
    except (MemoryError, RecursionError):  # within the limits of the sandbox; a bomb
        answer = {"refusal": "too-long"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
