"""A credential inside a picture, PNG or SVG: put in and taken out (Open Badges 3.0 section 5.3)."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from app.errors import Invalid

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"openbadgecredential"
NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
MAX_TEXT = 1024 * 1024


def bake_png(picture: bytes, *, sealed: str) -> bytes:
    """Return the PNG with the credential in one uncompressed iTXt chunk. The pixels are not signed."""
    chunks = list(_chunks(picture))
    text = KEYWORD + b"\x00" + b"\x00\x00" + b"\x00" + b"\x00" + sealed.encode()
    kept = [(kind, data) for kind, data in chunks if not (kind == b"iTXt" and _is_ours(data))]
    at = next(index for index, (kind, _) in enumerate(kept) if kind == b"IDAT")
    kept.insert(at, (b"iTXt", text))
    return PNG_SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in kept)


def unbake_png(picture: bytes) -> str:
    """Return the credential in a PNG. Raises Invalid: none, several, or a damaged file."""
    found = [_text(data) for kind, data in _chunks(picture) if kind == b"iTXt" and _is_ours(data)]
    if len(found) != 1:
        raise Invalid("This picture holds no credential.", code="unreadable")
    return found[0]


def bake_svg(picture: str, *, sealed: str) -> str:
    """Return the SVG with the credential in an element of its own: JSON as CDATA, a token as attribute."""
    if sealed.startswith("{"):
        # `]]>` would end the section; in JSON a > may be written as an escape.
        inside = f"><![CDATA[{sealed.replace(']]>', ']]' + chr(92) + 'u003e')}]]></openbadges:credential>"
    else:
        inside = f" verify={quoteattr(sealed)}/>"
    start = picture.index("<svg")
    end = picture.index(">", start)
    declared = f'{picture[:end]} xmlns:openbadges="{NAMESPACE}"'
    return f"{declared}>\n<openbadges:credential{inside}{picture[end + 1 :]}"


def unbake_svg(picture: bytes) -> str:
    """Return the credential in an SVG. Raises Invalid: none, several, or not well-formed."""
    reader = _SvgReader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(picture, True)
    except expat.ExpatError as error:
        raise Invalid("This picture is damaged.", code="unreadable") from error
    if len(reader.found) != 1 or not reader.found[0].strip():
        raise Invalid("This picture holds no credential.", code="unreadable")
    return reader.found[0].strip()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class _SvgReader:
    """Collects the credential elements; entities can't be defined because a document type is refused."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._inside = False

    def doctype(self, *_args: Any) -> None:
        raise Invalid("A picture with a document type is not read.", code="unreadable")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{NAMESPACE} credential":
            self._inside = True
            self.found.append(attributes.get("verify", ""))

    def end(self, name: str) -> None:
        if name == f"{NAMESPACE} credential":
            self._inside = False

    def text(self, text: str) -> None:
        if self._inside:
            self.found[-1] += text


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not picture.startswith(PNG_SIGNATURE):
        raise Invalid("This is not a PNG picture.", code="unreadable")
    at = len(PNG_SIGNATURE)
    while at < len(picture):
        head = picture[at : at + 8]
        length = int.from_bytes(head[:4], "big")
        data = picture[at + 8 : at + 8 + length]
        checksum = picture[at + 8 + length : at + 12 + length]
        if len(data) != length or checksum != struct.pack(">I", zlib.crc32(head[4:] + data)):
            raise Invalid("This picture is damaged.", code="unreadable")
        yield head[4:], data
        at += 12 + length


def _is_ours(data: bytes) -> bool:
    return data.split(b"\x00", 1)[0] == KEYWORD


def _text(data: bytes) -> str:
    """Return the text of an iTXt chunk (PNG 11.3.3.4): keyword, flags, language, translated keyword, text."""
    rest = data[len(KEYWORD) + 1 :]
    try:
        compressed, method, rest = rest[0], rest[1], rest[2:]
        _language, _translated, text = rest.split(b"\x00", 2)
        if compressed:
            if method:
                raise Invalid("This picture is packed in an unknown way.", code="unreadable")
            text = zlib.decompressobj().decompress(text, MAX_TEXT)
        return text.decode()
    except (IndexError, ValueError, zlib.error) as error:
        raise Invalid("This picture is damaged.", code="unreadable") from error
