"""Documents that want to do harm: bombs, entities, names that climb, scripts, locks. Each ends within its limits."""

import io
import signal
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.documents.making import TEXT_PART, a_docx, a_pdf
from tests.workers.hostile.conftest import SECRET, Calls, was_opened
from workers.documents.extract import Extracted, extract_text, refuse_document, why_over
from workers.media.gate import Refusal
from workers.media.sandbox import Finished
from workers.media.sniff import sniff
from workers.media.tools import Tools
from workers.media.watch import Ended

MIB = 1 << 20
TYPES = {"[Content_Types].xml": b"<Types/>"}
Read = Callable[[Path], Extracted | Refusal]


@pytest.fixture
def read(tools: Tools, tmp_path: Path) -> Read:
    def _read(path: Path) -> Extracted | Refusal:
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        kind = sniff(path.read_bytes()[:4096])
        refusal = refuse_document(kind, size_bytes=path.stat().st_size)
        return refusal or extract_text(path, kind, tools=tools, scratch=out)

    return _read


def code(answer: Extracted | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def text(answer: Extracted | Refusal) -> str:
    assert isinstance(answer, Extracted), answer
    return "\n".join(part.text for part in answer.parts)


def a_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def lying(path: Path) -> Path:
    """Let the directory of an archive say that its members are ten bytes long."""
    whole = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = whole.find(mark)
        while at >= 0:
            struct.pack_into("<I", whole, at + place, 10)
            at = whole.find(mark, at + 4)
    path.write_bytes(whole)
    return path


def in_text(content: str) -> dict[str, bytes]:
    return {**TYPES, TEXT_PART: content.encode()}


def word_text(content: str) -> dict[str, bytes]:
    """Return what python-docx opens: a text part with this content, and what leads to it."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    kinds = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    kinds += f'<Override PartName="/{TEXT_PART}" ContentType="{word}"/>'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    leads = f'<Relationship Id="rId1" Type="{office}" Target="{TEXT_PART}"/>'
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">{kinds}</Types>'.encode(),
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">{leads}</Relationships>'.encode(),
        TEXT_PART: f'<w:document xmlns:w="{main}"><w:body>{content}</w:body></w:document>'.encode(),
    }


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
DEEP = "<a>" * 100_000
BOMBS: dict[str, tuple[Callable[[Path], Path], set[str]]] = {
    "text that inflates": (lambda path: a_zip(path, {**TYPES, TEXT_PART: b" " * (40 * MIB)}), {"too-long"}),
    "picture that inflates": (
        lambda path: a_docx(path, "x", more={"word/media/a.png": bytes(201 * MIB)}),
        {"too-long"},
    ),
    "a directory that lies": (lambda path: lying(a_zip(path, {**TYPES, TEXT_PART: bytes(50 * MIB)})), {"damaged"}),
    "members without end": (
        lambda path: a_docx(path, "x", more={f"word/{n}": b"" for n in range(5_001)}),
        {"not-a-document"},
    ),
    "billion laughs": (lambda path: a_zip(path, in_text(f"<!DOCTYPE d [{LAUGHS}]><d>&l9;</d>")), {"damaged"}),
    "one long entity": (
        lambda path: a_zip(path, in_text(f'<!DOCTYPE d [<!ENTITY a "{"a" * 90_000}">]><d/>')),
        {"damaged"},
    ),
    "entities in its relations": (
        lambda path: a_docx(path, "x", more={"word/_rels/x.xml.rels": b'<!DOCTYPE d [<!ENTITY a "b">]><d/>'}),
        {"damaged"},
    ),
    "an abyss of elements": (lambda path: a_zip(path, in_text(DEEP)), {"damaged", "too-long"}),
    "macros": (lambda path: a_docx(path, "x", more={"word/vbaProject.bin": b"Auto_Open"}), {"macros"}),
    "a spreadsheet": (lambda path: a_zip(path, {**TYPES, "xl/workbook.xml": b"<x/>"}), {"not-a-document"}),
    "pages without end": (lambda path: a_pdf(path, *[["x"]] * 1_001), {"too-long"}),
    "blank lines without end": (lambda path: _written(path, b"a" + b"\n" * (4 * MIB - 500_000)), {"too-long"}),
    "paragraphs without end": (lambda path: a_zip(path, word_text("<w:p/>" * 2_000_000)), {"too-long"}),
    "a locked pdf": (
        lambda path: a_pdf(
            path,
            ["x"],
            trailer=f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'ab' * 32}>/U<{'cd' * 32}>>>/ID[<00><00>]",
        ),
        {"locked"},
    ),
    "an empty pdf": (lambda path: _written(path, b"%PDF-1.7\n%%EOF"), {"damaged"}),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", BOMBS)
def test_a_document_that_wants_too_much_is_refused(name: str, read: Read, tmp_path: Path) -> None:
    make, expected = BOMBS[name]
    path = make(tmp_path / "upload")
    assert path.stat().st_size < 4 * MIB
    began = time.monotonic()
    assert code(read(path)) in expected
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("where", ["file", "http"])
def test_a_document_that_points_elsewhere_reaches_nothing(
    where: str, canary: Path, calls: Calls, read: Read, tmp_path: Path
) -> None:
    target = canary.as_uri() if where == "file" else calls.address
    head = f'<!DOCTYPE d [<!ENTITY a SYSTEM "{target}">]>'
    assert code(read(a_docx(tmp_path / "entity", "ENTITY", head=head))) == "damaged"
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        f'TargetMode="External" Target="{target}" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/attachedTemplate"/></Relationships>'
    )
    template = a_docx(tmp_path / "template", "words", more={"word/_rels/settings.xml.rels": relation.encode()})
    assert text(read(template)) == "words"
    (tmp_path / "page").write_text(f'<html><img src="{target}"><script src="{target}"></script>')
    assert SECRET.decode() not in text(read(tmp_path / "page"))
    action = f"/OpenAction<</S/URI/URI({target})>>"
    assert "words" in text(read(a_pdf(tmp_path / "action", ["words"], catalog=action)))
    assert (was_opened(canary), calls.count) == (False, 0)


@pytest.mark.parametrize("name", ["../../../../climbed", "/climbed", "word\\..\\..\\climbed"])
def test_names_that_climb_are_names_alone(name: str, read: Read, tmp_path: Path) -> None:
    assert text(read(a_docx(tmp_path / "upload", "words", more={name: b"x"}))) == "words"
    assert not Path("/climbed").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"upload", "out"}
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_in_an_archive_is_not_opened(read: Read, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(30 * MIB))
    assert text(read(a_docx(tmp_path / "upload", "words", more={"word/embeddings/a.zip": inner.getvalue()}))) == "words"


def test_scripts_and_sizes_of_a_pdf_do_nothing(read: Read, tmp_path: Path) -> None:
    action = "/OpenAction<</S/JavaScript/JS(while(true){})>>"
    assert "words" in text(read(a_pdf(tmp_path / "script", ["words"], catalog=action)))
    assert "words" in text(read(a_pdf(tmp_path / "huge", ["words"], box="0 0 99999999 99999999")))


def test_a_pdf_with_a_broken_index_is_read_or_refused(read: Read, tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "upload", ["words"])
    path.write_text(path.read_text().replace("%%EOF", "startxref\n999999\n%%EOF"))
    assert "words" in text(read(path))
    loop = a_pdf(tmp_path / "loop", ["words"])
    loop.write_text(loop.read_text().replace("/Kids[", "/Kids[2 0 R "))
    answer = read(loop)
    assert isinstance(answer, Extracted) or answer.code in {"damaged", "too-long"}


def test_a_page_of_a_pdf_that_inflates_ends_within_the_limits(read: Read, tmp_path: Path) -> None:
    packed = zlib.compress(b"BT (a) Tj ET " * MIB)
    path = a_pdf(tmp_path / "upload", ["words"])
    head, tail = path.read_bytes().split(b"<</Length", 1)
    rest = tail[tail.index(b"endstream") :]
    stream = f"<</Filter/FlateDecode/Length {len(packed)}>>stream\n".encode() + packed + b"\n"
    path.write_bytes(head + stream + rest)
    answer = read(path)
    assert isinstance(answer, Extracted) or answer.code in {"damaged", "too-long"}


@pytest.mark.parametrize(
    ("ended", "status", "expected"),
    [  # seen with forms in forms of a PDF, and with 900 pages that share one long text
        (Ended.EXIT, -signal.SIGABRT, "damaged"),
        (Ended.EXIT, -signal.SIGXCPU, "too-long"),
        (Ended.TOO_MUCH_OUTPUT, -signal.SIGKILL, "too-long"),
        (Ended.EXIT, -signal.SIGKILL, None),  # a machine without memory left, perhaps: our fault
        (Ended.TIMEOUT, -signal.SIGKILL, None),
        (Ended.EXIT, 1, None),
        (Ended.EXIT, 0, None),
    ],
)
def test_a_document_on_which_its_reader_breaks_is_refused_at_the_first_try(
    ended: Ended, status: int, expected: str | None
) -> None:
    refusal = why_over(Finished(status, b"", "", ended))
    assert (refusal.code if refusal else None) == expected


def test_a_text_keeps_what_is_harmless_and_loses_what_deceives(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("=cmd|' /C calc'!A0\n\nab\u202ecd\u2066x\u2069 \u200fمرحبا <script>alert(1)</script>")
    assert text(read(path)) == "=cmd|' /C calc'!A0\nabcd\u2066x\u2069 \u200fمرحبا <script>alert(1)</script>"
    path.write_bytes(b"half a null \x00 is none")
    assert code(read(path)) == "not-a-document"
