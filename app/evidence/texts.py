"""Text evidence: written in the browser, kept as an object like every original, ready at once."""

import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from app.actor import Actor
from app.db.engine import reading, writing
from app.errors import AssayError, FieldError, Invalid, NotFound, Unavailable
from app.evidence import adding, drafts, removing, stages
from app.evidence.models import Evidence, Rendition
from app.evidence.states import EvidenceKind, EvidenceState, RenditionKind, StageName, StageState
from app.evidence.submissions import own_for_changes
from app.frameworks.rubric import EvidenceRequirement, rubric_of
from app.ids import new_id
from app.storage.client import Storage

MOST_CHARACTERS = 200_000
MEDIA_TYPE = "text/plain; charset=utf-8"
NAME = "text.txt"
SHORTER_THAN_ASKED = "shorter-than-asked"
WITHOUT_OVERRIDES = {0x202D: None, 0x202E: None}  # they turn letters around: what is read would not be what is stored
BETWEEN = "\n\n"
BLANK_LINES = re.compile(r"\n\s*\n")
PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")  # blank lines part paragraphs


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text as it is judged: its bytes, words, and paragraphs with their places in it."""

    content: bytes
    words: int
    paragraphs: list[dict[str, int | str]]

    @property
    def rendition(self) -> bytes:
        """What the workstation shows: paragraphs with `start` and `end`, counted in characters of the original."""
        body = {"version": 1, "words": self.words, "paragraphs": self.paragraphs}
        return json.dumps(body, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph of an uploaded document: `kind` is heading (of a `level` from 1), list-item or table-row."""

    text: str
    kind: str = ""
    level: int = 0
    page: int = 0

    @property
    def facts(self) -> dict[str, int | str]:
        """What is known of it, for the rendition."""
        known: dict[str, int | str] = {"kind": self.kind, "level": self.level, "page": self.page}
        return {name: value for name, value in known.items() if value}


def put_together(parts: Sequence[Part]) -> WrittenText:
    """Return the text of a document: its parts with a blank line between; none has one within. May be empty."""
    paragraphs: list[dict[str, int | str]] = []
    at = 0
    for part in parts:
        text = BLANK_LINES.sub("\n", part.text)
        paragraphs.append({"start": at, "end": at + len(text), "text": text, **part.facts})
        at += len(text) + len(BETWEEN)
    if at > MOST_CHARACTERS + len(BETWEEN):
        raise _invalid("This text is longer than 200,000 characters. Shorten it.")
    whole = BETWEEN.join(str(each["text"]) for each in paragraphs)
    return WrittenText(whole.encode(), len(whole.split()), paragraphs)


def read_text(text: str) -> WrittenText:
    """Take a text as it was written, with one kind of line end and without overrides of direction.

    Invalid when it holds control characters.
    """
    clean = text.replace("\r\n", "\n").replace("\r", "\n").translate(WITHOUT_OVERRIDES)
    if len(clean) > MOST_CHARACTERS:
        raise _invalid("This text is longer than 200,000 characters. Shorten it.")
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in "\n\t" for char in clean):
        raise _invalid("This text holds characters that can't be shown. Paste it as plain text.")
    words = len(clean.split())
    if words == 0:
        raise _invalid("Write something first.")
    paragraphs: list[dict[str, int | str]] = [
        {"start": found.start(), "end": found.end(), "text": found[0]} for found in PARAGRAPH.finditer(clean)
    ]
    return WrittenText(clean.encode(), words, paragraphs)


def _invalid(message: str) -> Invalid:
    return Invalid(message, errors=(FieldError("text", message),))


def check_length(words: int, asked: EvidenceRequirement) -> list[str]:
    """Refuse a text that is too long for the rubric; return the warnings of one that is shorter than asked."""
    if asked.max_words is not None and words > asked.max_words:
        raise Invalid(
            "This text has %(words)d words; the rubric takes up to %(most)d. Shorten it.",
            code="too-long",
            errors=(FieldError("text", "This is too long."),),
            words=words,
            most=asked.max_words,
        )
    return [SHORTER_THAN_ASKED] if words < (asked.min_words or 0) else []


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to be added. `language` None: that of the submission. `replaces`: an added one that was written anew."""

    text: str
    language: str | None = None
    replaces: UUID | None = None


def add_text(
    engine: Engine, storage: Storage, *, actor: Actor, submission_id: UUID, new: NewText, now: datetime
) -> UUID:
    """Keep a text and return the id of its evidence, which is ready at once. Its draft ends."""
    written = read_text(new.text)
    with reading(engine) as session:
        submission = own_for_changes(session, actor=actor, submission_id=submission_id, lock=False)
        language = new.language or submission.language
        drafts.check_language(session, submission.rubric_id, language)
        if new.replaces:
            _replaced(session, actor, submission_id, new.replaces)
            asked = rubric_of(session, submission.rubric_id).evidence
        else:
            asked = adding.check_room(session, submission, EvidenceKind.TEXT)
        warnings = check_length(written.words, asked)
    evidence_id = new_id()
    evidence = Evidence(
        id=evidence_id,
        organisation_id=submission.organisation_id,
        submission_id=submission_id,
        position=0,
        kind=EvidenceKind.TEXT,
        name=NAME,
        media_type=MEDIA_TYPE,
        state=EvidenceState.READY,
        object_key=adding.new_key(submission.organisation_id, evidence_id),
        size_bytes=len(written.content),
        sha256=sha256(written.content).hexdigest(),
        salt=secrets.token_hex(adding.SALT_BYTES),
        words=written.words,
        language=language,
        warnings=warnings,
        created_at=now,
        completed_at=now,
    )
    shown = _rendition(evidence, written)
    evidence.storage_etag = storage.put_bytes(evidence.object_key, written.content, media_type=MEDIA_TYPE)
    storage.put_bytes(shown.object_key, written.rendition, media_type=shown.media_type)
    try:
        with writing(engine) as session:
            _store(session, evidence, actor=actor, replaces=new.replaces, now=now)
            session.add(shown)
            _pass_stages(session, evidence_id, now)
    except Unavailable:  # it may be stored all the same: the connection was lost while it was
        raise
    except AssayError:
        removing.discard(engine, evidence, now=now)
        raise
    return evidence_id


def _replaced(session: Session, actor: Actor, submission_id: UUID, evidence_id: UUID) -> Evidence:
    """Return the text that another one takes the place of; NotFound for everything else."""
    found = adding.own_evidence(session, actor=actor, evidence_id=evidence_id)
    if found.submission_id != submission_id or found.kind is not EvidenceKind.TEXT:
        raise NotFound("There is no such evidence.")
    return found


def _store(session: Session, evidence: Evidence, *, actor: Actor, replaces: UUID | None, now: datetime) -> None:
    """Add a text; one that is written anew takes the place of the old one, whose objects go."""
    old = _replaced(session, actor, evidence.submission_id, replaces) if replaces else None
    position = old.position if old else None
    if old is not None:
        removing.remove(session, actor=actor, evidence=old, now=now)
        session.flush()
    adding.store(session, evidence, actor=actor, now=now)
    if position is not None:
        evidence.position = position
    drafts.drop(session, evidence.submission_id)


def _rendition(evidence: Evidence, written: WrittenText) -> Rendition:
    return Rendition(
        evidence_id=evidence.id,
        kind=RenditionKind.TEXT,
        media_type="application/json",
        size_bytes=len(written.rendition),
        sha256=sha256(written.rendition).hexdigest(),
        object_key=evidence.object_key + "-text",
    )


def _pass_stages(session: Session, evidence_id: UUID, now: datetime) -> None:
    for name in (StageName.INSPECT, StageName.EXTRACT):
        stages.mark(session, evidence_id, name, now=now, state=StageState.RUNNING)
        stages.mark(session, evidence_id, name, now=now, state=StageState.DONE)
