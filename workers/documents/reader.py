"""The text of one document, as JSON on standard output. Runs in the sandbox, as a file, without our packages.

`reader.py KIND PATH [FOLDERS...]`; the folders are where pypdfium2 lies. Prints `{"paragraphs": [...]}` or
`{"refusal": CODE}`. Nothing is unpacked to the disk, and every size is checked while it is read, not before:
what an archive says about itself is not believed (reliability notes 2.4).
"""

import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from xml.parsers import expat

MOST_BYTES = 32 << 20  # of the inflated text part; a book is about 2 MB
MOST_CHARACTERS = 1_000_000
MOST_MEMBERS = 5_000
MOST_PAGES = 1_000
READ_BYTES = 1 << 16
TEXT_PART = "word/document.xml"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "


class Refused(Exception):
    """The document can't be read: its message is a code."""


class Paragraphs:
    """Takes the parts of a Word text as they come and keeps its paragraphs."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._parts: list[str] = []
        self._in_text = False
        self._size = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """An element begins."""
        self._in_text = name == WORD + "t"
        if name in {WORD + "tab", WORD + "br"}:
            self._parts.append("\t" if name == WORD + "tab" else "\n")

    def end(self, name: str) -> None:
        """An element ends."""
        self._in_text = False
        if name == WORD + "p":
            self.done.append("".join(self._parts))
            self._parts = []

    def text(self, data: str) -> None:
        """Text stands here."""
        if self._in_text:
            self._size += len(data)
            self._parts.append(data)
        if self._size > MOST_CHARACTERS:
            raise Refused("too-long")


def _no_doctype(*_: object) -> None:
    raise Refused("damaged")  # no word processor writes one; entities that grow need one


def read_docx(path: str) -> list[str]:
    """Return the paragraphs of a Word document."""
    paragraphs, parser = Paragraphs(), expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = paragraphs.start, paragraphs.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = paragraphs.text, _no_doctype
    try:
        for block in _blocks(path):
            parser.Parse(block)
        parser.Parse(b"", True)
    except (zipfile.BadZipFile, expat.ExpatError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Refused("locked" if "encrypted" in str(error) else "damaged") from error
    return paragraphs.done


def _blocks(path: str) -> Iterator[bytes]:
    """Inflate the text part a little at a time, up to the limit."""
    with zipfile.ZipFile(path) as archive:
        if len(archive.namelist()) > MOST_MEMBERS or TEXT_PART not in archive.namelist():
            raise Refused("not-a-document")
        left = MOST_BYTES
        with archive.open(TEXT_PART) as part:
            while block := part.read(READ_BYTES):
                left -= len(block)
                if left < 0:
                    raise Refused("too-long")
                yield block


def read_pdf(path: str) -> list[str]:
    """Return the paragraphs of a PDF: blank lines and pages part them."""
    import pypdfium2  # noqa: PLC0415  # found in the folders that we are told; other kinds do without

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "password" in str(error).lower() else "damaged") from error
    if len(document) > MOST_PAGES:
        raise Refused("too-long")
    found: list[str] = []
    size = 0
    for page in document:
        text = page.get_textpage().get_text_range().replace("\r\n", "\n")
        size += len(text)
        if size > MOST_CHARACTERS:
            raise Refused("too-long")
        found += text.split("\n\n")
    return found


def read_text(path: str) -> list[str]:
    """Return the paragraphs of a plain text in UTF-8 or UTF-16."""
    with open(path, "rb") as file:  # noqa: PTH123  # quick start
        content = file.read(4 * MOST_CHARACTERS + 1)
    if len(content) > 4 * MOST_CHARACTERS:
        raise Refused("too-long")
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("damaged") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")


READERS: dict[str, Callable[[str], list[str]]] = {"docx": read_docx, "pdf": read_pdf, "text": read_text}


def main(arguments: list[str]) -> None:
    """Read and print."""
    kind, path, *folders = arguments
    sys.path += folders
    try:
        answer: dict[str, object] = {"paragraphs": READERS[kind](path)}
    except Refused as refused:
        answer = {"refusal": str(refused)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
