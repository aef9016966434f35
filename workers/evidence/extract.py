"""Documents: inspected and read in one job, because reading is as quick as looking."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from sqlmodel import Session

from app.errors import Invalid
from app.evidence import processing, texts
from app.evidence.processing import Inspected
from app.evidence.reasons import Reason
from app.evidence.stages import mark
from app.evidence.states import RenditionKind, StageName, StageState
from workers.documents.extract import extract_text, refuse_document
from workers.evidence.task import Facts, Task
from workers.media.gate import Refusal
from workers.media.sniff import NEEDED_BYTES, sniff


@dataclasses.dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that is taken: what inspection records, and its text as the workstation shows it."""

    found: Inspected
    written: texts.WrittenText


def read_document(task: Task, facts: Facts, original: Path, scratch: Path, *, sha256: str) -> ReadDocument | Reason:
    """Judge a document and read its text, or say why not."""
    size = original.stat().st_size
    with original.open("rb") as file:
        sniffed = sniff(file.read(NEEDED_BYTES))
    refusal = refuse_document(sniffed, size_bytes=size)
    text = refusal or extract_text(original, sniffed, tools=task.bench.tools, scratch=scratch)
    if isinstance(text, Refusal):
        return Reason(text.code, text.message, dict(text.params))
    try:
        written = texts.put_together(text.parts)
        short = texts.check_length(written.words, facts.asked) if text.parts else []  # a scan has none to count
    except Invalid as error:
        params = {name: value for name, value in error.params.items() if not isinstance(value, float)}
        return Reason(error.code, error.detail, params)
    found = Inspected(sha256=sha256, size_bytes=size, words=written.words, warnings=(*text.warnings, *short))
    return ReadDocument(found, written)


def finish_document(task: Task, facts: Facts, document: ReadDocument, *, before: Callable[[Session], None]) -> None:
    """Store the text, then record in the fenced commit what was learnt `before` and that it was read."""
    made = task.store_bytes(facts, document.written.rendition, "text.json", RenditionKind.TEXT, "application/json")
    with task.run.finishing() as session:
        now = task.now()
        before(session)
        if processing.current(session, task.key) is not None:
            mark(session, task.key.evidence_id, StageName.EXTRACT, now=now, state=StageState.RUNNING)
        processing.read(session, task.key, made, now=now)
