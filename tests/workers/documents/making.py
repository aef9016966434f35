"""Documents that tests make: good ones as word processors write them, and bad ones."""

import io
import zipfile
from pathlib import Path

import docx

TEXT_PART = "word/document.xml"


def a_docx(path: Path, *paragraphs: str, more: dict[str, bytes] | None = None, head: str = "") -> Path:
    """Write a Word document; `more` are further members of the archive, `head` stands before its root element."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    written = io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            content = source.read(member)
            if head and member.filename == TEXT_PART:
                content = content.replace(b"<w:document", head.encode() + b"<w:document", 1).replace(b"ENTITY", b"&a;")
            target.writestr(member, content)
        for name, content in (more or {}).items():
            target.writestr(name, content)
    return path


def a_pdf(path: Path, *pages: list[str], box: str = "0 0 612 792", catalog: str = "", trailer: str = "") -> Path:
    """Write a PDF with a page for each list of lines; `box` is the size of a page."""
    objects = ["", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for lines in pages or ([],):
        shown = " ".join(f"({line}) Tj 0 -40 Td" for line in lines)
        stream = f"BT /F1 12 Tf 72 700 Td {shown} ET"
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents {len(objects)} 0 R"
        objects.append(page + "/Resources<</Font<</F1 3 0 R>>>>>>")
        kids.append(f"{len(objects)} 0 R")
    objects[0] = f"<</Type/Catalog/Pages 2 0 R{catalog}>>"
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    body = "".join(f"{number} 0 obj {content} endobj\n" for number, content in enumerate(objects, 1))
    path.write_text(f"%PDF-1.7\n{body}trailer<</Root 1 0 R/Size {len(objects) + 1}{trailer}>>\n%%EOF\n")
    return path
