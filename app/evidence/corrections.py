"""Correcting a word of a transcript: the machine's word is kept, the act is recorded. Pure but for `correct`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import rfc8785
from sqlmodel import Session, select

from app.actor import Actor
from app.audit.service import append
from app.errors import Conflict, FieldError, Invalid, NotAllowed, NotFound
from app.evidence.access import Reader
from app.evidence.models import Evidence, Submission
from app.evidence.models import Transcript as TranscriptRow
from app.evidence.show import time_text
from app.evidence.states import SubmissionState
from app.evidence.transcripts import Segment, Transcript, Word
from app.text import has_control_characters

LONGEST = 100  # letters of one word; it may become a few words
CORRECTED_IN = frozenset({SubmissionState.IN_ASSESSMENT, SubmissionState.MODERATION})


@dataclass(frozen=True, slots=True)
class Correction:
    """What a word should read. `text` None: as the machine heard it. Numbers count from 0."""

    segment: int
    word: int
    text: str | None


def corrected(transcript: Transcript, change: Correction) -> Transcript:
    """Return the transcript with one word changed in its segment's text too. Raises Invalid."""
    word = _changed(_word(transcript, change), change.text)
    segments = list(transcript.segments)
    segments[change.segment] = _with_word(segments[change.segment], change.word, word)
    return replace(transcript, segments=tuple(segments))


def _word(transcript: Transcript, change: Correction) -> Word:
    if not (0 <= change.segment < len(transcript.segments)):
        raise _no_such_word()
    words = transcript.segments[change.segment].words
    if not (0 <= change.word < len(words)):
        raise _no_such_word()
    return words[change.word]


def _no_such_word() -> Invalid:
    return Invalid("There is no such word in this transcript.", code="no-such-word")


def _changed(word: Word, text: str | None) -> Word:
    heard = word.text if word.heard is None else word.heard
    wanted = heard if text is None else " ".join(text.split())
    if not wanted or len(wanted) > LONGEST or has_control_characters(wanted):
        message = "Write the word as it is said, in at most 100 letters."
        raise Invalid(message, code="bad-word", errors=(FieldError("text", message),))
    return replace(word, text=wanted, heard=None if wanted == heard else heard)


def _with_word(segment: Segment, number: int, word: Word) -> Segment:
    """Put a word in the place that the old one has in the text: not every language writes spaces between words."""
    words = (*segment.words[:number], word, *segment.words[number + 1 :])
    place = _place(segment, number)
    if place is None:
        return replace(segment, text=" ".join(each.text for each in words), words=words)
    start, end = place
    return replace(segment, text=segment.text[:start] + word.text + segment.text[end:], words=words)


def _place(segment: Segment, number: int) -> tuple[int, int] | None:
    at = end = 0
    for each in segment.words[: number + 1]:
        at = segment.text.find(each.text, end)
        if at < 0:
            return None
        end = at + len(each.text)
    return at, end


def correct(
    session: Session, *, evidence: Evidence, reader: Reader, actor: Actor, change: Correction, now: datetime
) -> Word:
    """Change one word, by whoever judges the submission now. Raises NotAllowed, Conflict, NotFound, Invalid.

    The words stay in the transcript's row, which erasure takes away; the chain gets the digest of the whole text.
    """
    if reader.by != "lease":
        raise NotAllowed("Only whoever judges this now can correct a word.", code="not-judging")
    submission = session.get_one(
        Submission, evidence.submission_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if submission.state not in CORRECTED_IN:  # read under its lock: it may be sent at this moment
        raise Conflict("The judgement is sent: the transcript stays as it was judged.", code="judged")
    row = session.exec(
        select(TranscriptRow)
        .where(TranscriptRow.evidence_id == evidence.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("There is no transcript yet, or this evidence has none.", code="not-there-yet")
    transcript = Transcript.from_json(row.body)
    before = _word(transcript, change)
    mine = _by(row.corrections, actor).get((change.segment, change.word))
    if change.text is None:
        change = replace(change, text=before.text if mine is None else mine)
    transcript = corrected(transcript, change)
    word = _word(transcript, change)
    if word == before:
        return _as_seen(word, mine)
    row.body = transcript.to_json()
    row.corrections = [*row.corrections, _record(change, before, word, actor, now)]
    session.add(row)
    append(
        session,
        action="transcript.corrected",
        subject=f"evidence:{evidence.id}",
        now=now,
        actor_id=actor.person_id,
        organisation_id=evidence.organisation_id,
        body={
            "segment": change.segment,
            "word": change.word,
            "restored": word.heard is None,
            "corrections": len(row.corrections),
            "transcript_sha256": hashlib.sha256(rfc8785.dumps(row.body)).hexdigest(),
        },
    )
    return _as_seen(word, before.text if mine is None else mine)


def as_judged(transcript: Transcript, corrections: Sequence[Mapping[str, Any]], actor: Actor) -> Transcript:
    """Return a transcript for whoever judges: of corrections only their own are marked.

    The others' words stand there as if they were heard so: nobody is to learn that somebody judged before (rule 11).
    """
    mine = _by(corrections, actor)
    segments = (
        replace(
            segment,
            words=tuple(_as_seen(word, mine.get((number, place))) for place, word in enumerate(segment.words)),
        )
        for number, segment in enumerate(transcript.segments)
    )
    return replace(transcript, segments=tuple(segments))


def _by(corrections: Sequence[Mapping[str, Any]], actor: Actor) -> dict[tuple[int, int], str]:
    """Return what each word was that somebody has corrected, before they first did."""
    found: dict[tuple[int, int], str] = {}
    for each in corrections:
        if each["by"] == str(actor.person_id):
            found.setdefault((each["segment"], each["word"]), each["from"])
    return found


def _as_seen(word: Word, first: str | None) -> Word:
    return replace(word, heard=None if first == word.text else first)


def _record(change: Correction, before: Word, after: Word, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "segment": change.segment,
        "word": change.word,
        "from": before.text,
        "to": after.text,
        "by": str(actor.person_id),
        "at": time_text(now),
    }
