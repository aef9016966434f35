"""The worker's side of documents: what is taken, and the reading of it in the sandbox."""

import logging
import signal
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, Field

from app.evidence.texts import Part
from workers.documents import reader
from workers.media.gate import Refusal, in_words_bytes
from workers.media.probe import ToolFailed
from workers.media.sandbox import GIB, MIB, Finished, Limits
from workers.media.sniff import MEDIA, Sniffed
from workers.media.tools import Tools
from workers.media.watch import Ended

log = logging.getLogger("assay.worker.documents")
READER = Path(reader.__file__).resolve()  # and what it imports lies beside it
LIMITS = Limits(cpu_seconds=60, wall_seconds=120, memory_bytes=2 * GIB, file_bytes=0, stdout_bytes=32 * MIB)
LARGEST_BYTES = 100 * MIB
CRASHES = frozenset({signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP})
KINDS = {Sniffed.PDF: "pdf", Sniffed.ZIP: "docx", Sniffed.TEXT: "text", Sniffed.OLD_TEXT: "text"}
PACKAGES = {
    Sniffed.PDF: ("pypdfium2", "pypdfium2_raw", "pypdfium2_cfg"),
    Sniffed.ZIP: ("docx", "lxml", "typing_extensions"),
}
REFUSALS = {
    "not-a-document": Refusal(
        "not-a-document",
        "This file is not a document that we can read. Send a PDF, a Word document (DOCX) or a plain text.",
    ),
    "damaged": Refusal("damaged", "This document is damaged: its text can't be read. Save it again and upload it."),
    "locked": Refusal("locked", "This document is locked with a password. Save it without one and upload it again."),
    "too-long": Refusal(
        "too-long",
        "This document is too long to read here: we take up to 1,000 pages and 200,000 letters. Shorten it and upload "
        "it again.",
    ),
    "macros": Refusal(
        "macros", "This document holds macros, which can do harm. Save it as a DOCX without macros or as a PDF."
    ),
}
RECORDING = Refusal(
    "not-a-document",
    "This file is a recording, and a document is asked for here. Add it as a recording, or send a document.",
)
OTHER_FILES = {
    Sniffed.PICTURE: Refusal(
        "not-a-document",
        "This file is a picture, not a document. Put it into a PDF with your text, then upload that.",
    ),
    Sniffed.OLD_OFFICE: Refusal(
        "not-a-document",
        "This file was saved by an old Office program (DOC). Save it as DOCX or PDF and upload it again.",
    ),
    Sniffed.RTF: Refusal("not-a-document", "This file is rich text (RTF). Save it as DOCX or PDF and upload it again."),
    **dict.fromkeys(MEDIA, RECORDING),
}
LEFT_OUT = "\u202d\u202e\ufeff"  # overrides: what is read would differ from what is stored
NO_TEXT, GUESSED = "no-text", "guessed-letters"


class _Answer(BaseModel):
    parts: list[Part] = Field(default=[], max_length=reader.MOST_PARTS)
    guessed: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was read. `warnings` are codes: no text at all (a scan), letters of an encoding that had to be guessed."""

    parts: list[Part]
    warnings: tuple[str, ...] = ()


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
    if sniffed in OTHER_FILES:
        return OTHER_FILES[sniffed]
    return None if sniffed in KINDS else REFUSALS["not-a-document"]


def extract_text(path: Path, sniffed: Sniffed, *, tools: Tools, scratch: Path) -> Extracted | Refusal:
    """Return the text in parts, or why there is none. Raises `ToolFailed`."""
    packages = _places(PACKAGES.get(sniffed, ()))
    python = [Path(sys.prefix), Path(sys.base_prefix)]
    folders = dict.fromkeys([str(READER.parent), *(str(place.parent) for place in packages)])
    command = [sys.executable, "-I", "-S", str(READER), KINDS[sniffed], str(path), *folders]
    run = tools.sandbox.run(command, reads=[path, READER.parent, *python, *packages], out_dir=scratch, limits=LIMITS)
    if refusal := why_over(run):
        log.warning("a document was refused: its reader ended by %s, status %d", run.ended, run.returncode)
        return refusal
    if not run.ok:
        raise ToolFailed(f"the document reader ended by {run.ended}, status {run.returncode}: {run.stderr[-500:]}")
    answer = _Answer.model_validate_json(run.stdout)
    if answer.refusal:
        return REFUSALS[answer.refusal]
    cleaned = (replace(part, text=_clean(part.text)) for part in answer.parts)
    parts = [part for part in cleaned if part.text]
    return Extracted(parts, (*([] if parts else [NO_TEXT]), *([GUESSED] if answer.guessed else [])))


def why_over(run: Finished) -> Refusal | None:
    """Return what the end of the reader says of a document; None where it was well, or the fault may be ours.

    The same document would end it in the same way again, and cost a minute each time.
    """
    if run.ended is Ended.TOO_MUCH_OUTPUT or run.returncode == -signal.SIGXCPU:
        return REFUSALS["too-long"]
    return REFUSALS["damaged"] if -run.returncode in CRASHES else None


def _places(packages: Sequence[str]) -> list[Path]:
    """Return where packages lie: their folders, or the file of one that has none."""
    origins = [Path(spec.origin) for name in packages if (spec := find_spec(name)) and spec.origin]
    return [origin.parent if origin.name == "__init__.py" else origin for origin in origins]


def _clean(paragraph: str) -> str:
    """Leave out what can't be shown: control characters, halves of characters, overrides of the direction."""
    return "".join(sign for sign in paragraph if sign in "\n\t" or _is_shown(sign)).strip()


def _is_shown(sign: str) -> bool:
    is_none = ord(sign) & 0xFFFE == 0xFFFE  # noqa: PLR2004  # no characters, by Unicode's definition
    return not is_none and sign not in LEFT_OUT and unicodedata.category(sign) not in {"Cc", "Cs"}
