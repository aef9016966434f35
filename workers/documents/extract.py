"""The worker's side of documents: what is taken, and the reading of it in the sandbox."""

import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from workers.documents import reader
from workers.media.gate import Refusal, in_words_bytes
from workers.media.probe import ToolFailed
from workers.media.sandbox import GIB, MIB, Limits
from workers.media.sniff import Sniffed
from workers.media.tools import Tools

READER = Path(reader.__file__).resolve()
LIMITS = Limits(cpu_seconds=60, wall_seconds=120, memory_bytes=2 * GIB, file_bytes=0, stdout_bytes=32 * MIB)
LARGEST_BYTES = 100 * MIB
KINDS = {Sniffed.PDF: "pdf", Sniffed.ZIP: "docx", Sniffed.TEXT: "text"}
PDF_PACKAGES = ("pypdfium2", "pypdfium2_raw", "pypdfium2_cfg")
REFUSALS = {
    "not-a-document": Refusal(
        "not-a-document",
        "This file is not a document that we can read. Send a PDF, a Word document (DOCX) or a plain text.",
    ),
    "damaged": Refusal("damaged", "This document is damaged: its text can't be read. Save it again and upload it."),
    "locked": Refusal("locked", "This document is locked with a password. Save it without one and upload it again."),
    "too-long": Refusal("too-long", "This document is too long to read here. Shorten it and upload it again."),
    "no-text": Refusal(
        "no-text", "No text was found in this document; it may be a scan. Send a document with real text."
    ),
}


class _Answer(BaseModel):
    paragraphs: list[str] = []
    refusal: str | None = None


def refuse_document(sniffed: Sniffed, *, size_bytes: int) -> Refusal | None:
    """Judge what the first bytes and the size say, before anything opens the file."""
    if sniffed is Sniffed.EMPTY:
        return Refusal("empty", "This file is empty. Choose the document again and upload it.")
    if size_bytes > LARGEST_BYTES:
        return Refusal(
            "too-large",
            "This document is %(size)s; we take up to %(largest)s. Leave pictures out and upload it again.",
            {"size": in_words_bytes(size_bytes), "largest": in_words_bytes(LARGEST_BYTES)},
        )
    return None if sniffed in KINDS else REFUSALS["not-a-document"]


def extract_text(path: Path, sniffed: Sniffed, *, tools: Tools, scratch: Path) -> str | Refusal:
    """Return the text, paragraphs parted by blank lines, or why there is none. Raises `ToolFailed`."""
    folders = _pdf_folders() if sniffed is Sniffed.PDF else []
    python = [Path(sys.prefix), Path(sys.base_prefix)]
    places = dict.fromkeys(str(folder.parent) for folder in folders)
    command = [sys.executable, "-I", "-S", str(READER), KINDS[sniffed], str(path), *places]
    run = tools.sandbox.run(command, reads=[path, READER, *python, *folders], out_dir=scratch, limits=LIMITS)
    if not run.ok:
        raise ToolFailed(f"the document reader ended by {run.ended}, status {run.returncode}: {run.stderr[-500:]}")
    answer = _Answer.model_validate_json(run.stdout)
    if answer.refusal:
        return REFUSALS[answer.refusal]
    text = "\n\n".join(filter(None, (_clean(paragraph) for paragraph in answer.paragraphs)))
    return text or REFUSALS["no-text"]


def _pdf_folders() -> list[Path]:
    specs = (find_spec(package) for package in PDF_PACKAGES)
    return [Path(spec.origin).parent for spec in specs if spec and spec.origin]


def _clean(paragraph: str) -> str:
    """Leave out what can't be shown: control characters and halves of characters."""
    return "".join(
        sign for sign in paragraph if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs"}
    ).strip()
