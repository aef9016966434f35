"""Documents are read for their text in the sandbox; bombs and tricks end as a sentence."""

import zipfile
from pathlib import Path

import pytest

from workers.documents.extract import extract_text, refuse_document
from workers.media.gate import Refusal
from workers.media.sniff import Sniffed, sniff
from workers.media.tools import Tools

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def a_docx(path: Path, *paragraphs: str, head: str = "", name: str = "word/document.xml") -> Path:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(name, f'<?xml version="1.0"?>{head}<w:document {WORD}><w:body>{body}</w:body></w:document>')
    return path


def a_pdf(path: Path, *lines: str) -> Path:
    shown = " ".join(f"({line}) Tj 0 -40 Td" for line in lines)
    stream = f"BT /F1 12 Tf 72 700 Td {shown} ET"
    path.write_text(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
        f"4 0 obj<</Length {len(stream)}>>stream\n{stream}\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return path


def read(path: Path, tools: Tools, scratch: Path) -> str | Refusal:
    out = scratch / "out"
    out.mkdir(exist_ok=True)
    kind = sniff(path.read_bytes()[:4096])
    return refuse_document(kind, size_bytes=path.stat().st_size) or extract_text(path, kind, tools=tools, scratch=out)


def code(answer: str | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


def test_a_word_document_gives_its_paragraphs(tools: Tools, tmp_path: Path) -> None:
    path = a_docx(tmp_path / "upload", "First &amp; foremost", "", "ثانيًا: الأمانة")
    assert read(path, tools, tmp_path) == "First & foremost\n\nثانيًا: الأمانة"


def test_a_pdf_gives_its_text(tools: Tools, tmp_path: Path) -> None:
    text = read(a_pdf(tmp_path / "upload", "The workbook shows", "a profit of 12 percent"), tools, tmp_path)
    assert isinstance(text, str)
    assert "The workbook shows" in text
    assert "12 percent" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_plain_text_is_read_in_unicode(encoding: str, tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(
        "One.\r\n\r\nمرحبا\x07".encode(encoding) if encoding == "utf-16" else "One.\r\n\r\nمرحبا".encode(encoding)
    )
    assert read(path, tools, tmp_path) == "One.\n\nمرحبا"


def test_a_document_that_grows_without_end_is_refused(tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (200 << 20))
    assert path.stat().st_size < 1 << 20
    assert code(read(path, tools, tmp_path)) == "too-long"


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_with_entities_is_not_read(head: str, tools: Tools, tmp_path: Path) -> None:
    assert code(read(a_docx(tmp_path / "upload", "&a;", head=head), tools, tmp_path)) == "damaged"


def test_what_is_no_document_is_named(tools: Tools, tmp_path: Path) -> None:
    other = a_docx(tmp_path / "sheet", "x", name="xl/workbook.xml")
    assert code(read(other, tools, tmp_path)) == "not-a-document"
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0" + bytes(99))
    assert code(read(tmp_path / "picture", tools, tmp_path)) == "not-a-document"
    (tmp_path / "empty").write_bytes(b"")
    assert code(read(tmp_path / "empty", tools, tmp_path)) == "empty"
    assert code(refuse_document(Sniffed.PDF, size_bytes=1 << 30) or "") == "too-large"


def test_a_scan_has_no_text_and_a_torn_file_is_damaged(tools: Tools, tmp_path: Path) -> None:
    assert code(read(a_pdf(tmp_path / "scan"), tools, tmp_path)) == "no-text"
    (tmp_path / "torn").write_bytes(b"%PDF-1.7\n" + bytes(200))
    assert code(read(tmp_path / "torn", tools, tmp_path)) == "damaged"
    whole = a_docx(tmp_path / "whole", "some text").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    assert code(read(tmp_path / "half", tools, tmp_path)) == "damaged"
