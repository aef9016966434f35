"""The paragraphs of a Word document, for the reader in the sandbox: the archive is judged before it is opened."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

MOST_XML_BYTES = 32 << 20  # inflated, of all XML parts; a book is about 2 MB
MOST_BYTES = 200 << 20  # inflated, of everything; pictures hardly shrink
MOST_MEMBERS = 5_000
READ_BYTES = 1 << 16
CONTENTS, FOLDER = "[Content_Types].xml", "word/"
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
)
XML = (".xml", ".rels")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # the same again
GAPS = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
BODY_TEXT = 9  # the outline level that is none
TITLES = {"title": 1, "subtitle": 2}


class Unfit(Exception):
    """The document can't be read: its message is a code."""


def paragraphs(path: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each paragraph, and each row of a table, with its kind: heading (and level), list-item, table-row."""
    check_archive(path)
    # Not before the archive is judged; and only Word documents need them.
    import docx  # noqa: PLC0415
    from docx.exceptions import PythonDocxError  # noqa: PLC0415
    from docx.opc.exceptions import OpcError  # noqa: PLC0415
    from lxml.etree import LxmlError  # noqa: PLC0415

    try:
        document = docx.Document(path)
        yield from _walk(document.element.body, _Styles(document))
    except (LxmlError, OpcError, PythonDocxError, LookupError, ValueError, TypeError, AttributeError) as error:
        # What python-docx stumbles over was not written by a word processor.
        raise Unfit("damaged") from error


def check_archive(path: str) -> None:
    """Refuse what is no Word document, inflates too far, holds macros or a document type with its entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > MOST_MEMBERS or CONTENTS not in names or not any(map(is_word, names)):
                raise Unfit("not-a-document")
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise Unfit("macros")
            _inflate(archive)
    except BROKEN_ARCHIVE as error:
        raise Unfit("locked" if "encrypted" in str(error) else "damaged") from error


def is_word(name: str) -> bool:
    """Tell whether a member of an archive is part of a Word text: spreadsheets have another folder."""
    return name.startswith(FOLDER)


def _inflate(archive: zipfile.ZipFile) -> None:
    """Inflate everything once, a little at a time, and count: what the directory says may be a lie."""
    left, left_xml = MOST_BYTES, MOST_XML_BYTES
    for member in archive.infolist():
        is_xml = member.filename.lower().endswith(XML)
        parser = _parser() if is_xml else None
        with archive.open(member) as part:
            while block := part.read(READ_BYTES):
                left, left_xml = left - len(block), left_xml - (len(block) if is_xml else 0)
                if left < 0 or left_xml < 0:
                    raise Unfit("too-long")
                if parser:
                    parser.Parse(block)
        if parser:
            parser.Parse(b"", True)


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    return parser


def _no_doctype(*_: object) -> None:
    raise Unfit("damaged")  # no word processor writes one; entities that grow need one


class _Styles:
    """What the styles of a document say: which are headings, of which level, and which are lists."""

    def __init__(self, document: Any) -> None:
        self.headings: dict[str, int] = {}
        self.lists: set[str] = set()
        for style in document.styles:
            name = (style.name or "").lower()
            level = TITLES.get(name) or _number(name.removeprefix("heading ")) or _outline(style.element)
            if level:
                self.headings[style.style_id] = level
            if style.element.find(f"{W}pPr/{W}numPr") is not None:
                self.lists.add(style.style_id)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _outline(element: Any) -> int:
    """Return the level of a heading, 1 for the highest; 0 for none."""
    found = element.find(f"{W}pPr/{W}outlineLvl")
    value = _number(found.get(W + "val", "")) if found is not None else BODY_TEXT
    return value + 1 if value < BODY_TEXT else 0


def _walk(element: Any, styles: _Styles) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what stands in an element in its order, inside of content controls and text boxes too."""
    for child in element.iterchildren("*"):
        if child.tag == W + "p":
            yield _text(child), _facts(child, styles)
            for box in child.iter(W + "txbxContent"):
                if _above(box, W + "p") is child:
                    yield from _walk(box, styles)
        elif child.tag == W + "tr":
            cells = [cell for cell in child.iter(W + "tc") if _above(cell, W + "tr") is child]
            yield "\t".join(map(_cell, cells)), {"kind": "table-row"}
        elif child.tag != FALLBACK:
            yield from _walk(child, styles)


def _text(paragraph: Any) -> str:
    """Return the text of a paragraph without that of boxes in it, and without what was deleted."""
    parts = (part for part in paragraph.iter(W + "t", *GAPS) if part.getparent().tag == W + "r")  # no tab stops
    return "".join(GAPS.get(part.tag) or part.text or "" for part in parts if _above(part, W + "p") is paragraph)


def _cell(cell: Any) -> str:
    return " ".join(filter(None, (_text(each) for each in cell.iter(W + "p") if _above(each, W + "tc") is not None)))


def _above(part: Any, tag: str) -> Any:
    """Return the nearest element of this kind around a part; None where the part is there for old programs."""
    for up in part.iterancestors():
        if up.tag == FALLBACK:
            return None
        if up.tag == tag:
            return up
    return None


def _facts(paragraph: Any, styles: _Styles) -> dict[str, object]:
    named = paragraph.find(f"{W}pPr/{W}pStyle")
    style = named.get(W + "val", "") if named is not None else ""
    if level := _outline(paragraph) or styles.headings.get(style, 0):
        return {"kind": "heading", "level": level}
    if style in styles.lists or paragraph.find(f"{W}pPr/{W}numPr") is not None:
        return {"kind": "list-item"}
    return {}
