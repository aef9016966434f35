"""Documents are read for their text in the sandbox, with what their parts are; others end as a sentence."""

from pathlib import Path

import docx
import pytest

from app.evidence.texts import Part, put_together
from tests.workers.documents.making import a_docx, a_pdf
from workers.documents import reader
from workers.documents.extract import Extracted, extract_text, refuse_document
from workers.media.gate import Refusal
from workers.media.sniff import Sniffed, sniff
from workers.media.tools import Tools

OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read(path: Path, tools: Tools, scratch: Path) -> Extracted | Refusal:
    out = scratch / "out"
    out.mkdir(exist_ok=True)
    kind = sniff(path.read_bytes()[:4096])
    return refuse_document(kind, size_bytes=path.stat().st_size) or extract_text(path, kind, tools=tools, scratch=out)


def texts(answer: Extracted | Refusal) -> list[str]:
    assert isinstance(answer, Extracted), answer
    return [part.text for part in answer.parts]


def code(answer: Extracted | Refusal | None) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_a_word_document_gives_headings_lists_and_tables(tools: Tools, tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("My work", 0)
    document.add_heading("What I did", 2)
    document.add_paragraph("First & foremost:\tthe door")
    document.add_paragraph("counted", style="List Number")
    document.add_paragraph("ثانيًا: الأمانة", style="List Bullet")
    table = document.add_table(2, 2)
    for place, text in enumerate(("Item", "Price", "Door", "12")):
        table.cell(place // 2, place % 2).text = text
    document.save(str(tmp_path / "upload"))
    answer = read(tmp_path / "upload", tools, tmp_path)
    assert answer == Extracted(
        [
            Part("My work", "heading", 1),
            Part("What I did", "heading", 2),
            Part("First & foremost:\tthe door"),
            Part("counted", "list-item"),
            Part("ثانيًا: الأمانة", "list-item"),
            Part("Item\tPrice", "table-row"),
            Part("Door\t12", "table-row"),
        ]
    )


CONTROL = "<w:sdt><w:sdtContent><w:p><w:r><w:t>In a form</w:t></w:r></w:p></w:sdtContent></w:sdt>"
BOX = (
    '<w:p><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    "<mc:Choice Requires='wps'><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
    "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></mc:Fallback>"
    "</mc:AlternateContent></w:r><w:ins><w:r><w:t>Beside it</w:t></w:r></w:ins>"
    "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
)


def test_nothing_that_is_written_is_passed_over_or_read_twice(tools: Tools, tmp_path: Path) -> None:
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = docx.Document()
    for xml in (CONTROL, BOX):
        element = docx.oxml.parse_xml(f"<w:body {namespace}>{xml}</w:body>")
        document.element.body.insert(0, element[0])
    document.save(str(tmp_path / "upload"))
    assert texts(read(tmp_path / "upload", tools, tmp_path)) == ["Beside it", "In a box", "In a form"]


def test_a_pdf_gives_its_text_page_by_page(tools: Tools, tmp_path: Path) -> None:
    path = a_pdf(tmp_path / "upload", ["The workbook shows", "a profit of 12 percent"], ["Second page"])
    answer = read(path, tools, tmp_path)
    assert isinstance(answer, Extracted)
    assert {part.page for part in answer.parts} == {1, 2}
    first = " ".join(part.text for part in answer.parts if part.page == 1)
    assert "The workbook shows" in first
    assert "12 percent" in first
    assert answer.parts[-1] == Part("Second page", page=2)


@pytest.mark.parametrize(
    ("text", "lefts", "read_as"),
    [
        ("صن يبرع 25.", [589, 603, 578, 559, 568, 571, 578, 549, 416, 422, 413], "نص عربي 25."),
        ("see ريصق يبرع now", [*range(17)], "see عربي قصير now"),
        ("نص عربي", [603, 589, 585, 578, 571, 568, 559], "نص عربي"),
    ],
)
def test_arabic_that_a_browser_printed_backwards_is_read_as_it_was_written(
    text: str, lefts: list[float], read_as: str
) -> None:
    assert reader.as_read(text, lefts) == read_as


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_a_plain_text_is_read_in_its_encoding(encoding: str, tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes("One.\r\n\r\nمرحبا، كيف الحال؟".encode(encoding))
    answer = read(path, tools, tmp_path)
    assert texts(answer) == ["One.", "مرحبا، كيف الحال؟"]
    assert isinstance(answer, Extracted)
    assert answer.warnings == (("guessed-letters",) if encoding == "cp1256" else ())


def test_an_old_western_text_is_no_arabic(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes("J’ai terminé à l’été.".encode("cp1252"))
    assert texts(read(tmp_path / "upload", tools, tmp_path)) == ["J’ai terminé à l’été."]


def test_a_scan_is_taken_with_a_warning(tools: Tools, tmp_path: Path) -> None:
    assert read(a_pdf(tmp_path / "scan"), tools, tmp_path) == Extracted([], ("no-text",))


@pytest.mark.parametrize(
    ("content", "expected", "says"),
    [
        (b"", "empty", "is empty"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "not-a-document", "is a picture"),
        (b"\x00\x00\x00\x20ftypisom" + bytes(99), "not-a-document", "is a recording"),
        (b"ID3\x04" + bytes(99), "not-a-document", "is a recording"),
        (OLD_WORD + bytes(99), "not-a-document", "DOC"),
        (b"{\\rtf1 hello}", "not-a-document", "RTF"),
        (b"\x00\x01\x02 nothing known", "not-a-document", "not a document"),
        (b"text with a null \x00 in it", "not-a-document", "not a document"),
    ],
)
def test_what_is_no_document_is_named(content: bytes, expected: str, says: str, tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(content)
    answer = read(tmp_path / "upload", tools, tmp_path)
    assert code(answer) == expected
    assert says in str(answer)


def test_a_document_can_be_too_large() -> None:
    assert code(refuse_document(Sniffed.PDF, size_bytes=1 << 30)) == "too-large"


def test_a_torn_file_is_damaged(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "torn").write_bytes(b"%PDF-1.7\n" + bytes(200))
    assert code(read(tmp_path / "torn", tools, tmp_path)) == "damaged"
    whole = a_docx(tmp_path / "whole", "some text").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    assert code(read(tmp_path / "half", tools, tmp_path)) == "damaged"


def test_each_paragraph_keeps_its_place_in_the_whole() -> None:
    written = put_together([Part("One\n \n\ntwo", "heading", 1), Part("ثالثًا 🙂"), Part("four", page=2)])
    whole = written.content.decode()
    assert whole == "One\ntwo\n\nثالثًا 🙂\n\nfour"
    assert [whole[int(it["start"]) : int(it["end"])] for it in written.paragraphs] == [
        it["text"] for it in written.paragraphs
    ]
    assert written.paragraphs[2] == {"start": 19, "end": 23, "text": "four", "page": 2}
    assert put_together([]).content == b""
