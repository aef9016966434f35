"""Phrases to be said in a recording: drawn for it alone, so that it can't be older than the draw.

A person listens for it when answering "authentic" and "current"; no program decides by it and no voice is compared.
"""

import secrets
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.actor import Actor
from app.audit.service import append
from app.errors import Conflict, FieldError, Invalid
from app.evidence.models import Evidence, Phrase
from app.evidence.phrase_words import WORDS
from app.evidence.submissions import own_for_changes
from app.frameworks.rubric import rubric_of

LENGTH = 4  # words: about 80 million phrases, said in three seconds


def draw(session: Session, *, actor: Actor, submission_id: UUID, now: datetime) -> Phrase:
    """Draw a phrase for one recording of this submission, in its language. Conflict where the rubric asks for none."""
    submission = own_for_changes(session, actor=actor, submission_id=submission_id)
    if not rubric_of(session, submission.rubric_id).evidence.phrase:
        raise Conflict("This rubric asks for no phrase.", code="no-phrase")
    language = submission.language if submission.language in WORDS else "en"
    words = secrets.SystemRandom().sample(WORDS[language], LENGTH)
    phrase = Phrase(submission_id=submission.id, language=language, text=" ".join(words), drawn_at=now)
    session.add(phrase)
    append(
        session,
        action="phrase.drawn",
        subject=f"submission:{submission.id}",
        now=now,
        actor_id=actor.person_id,
        organisation_id=submission.organisation_id,
        body={"phrase": str(phrase.id)},
    )
    return phrase


def use(session: Session, *, evidence: Evidence, phrase_id: UUID, now: datetime) -> None:
    """Bind a phrase to the recording that was made with it: once for ever, also when the recording is taken out."""
    bound = session.connection().execute(
        update(Phrase)
        .where(
            col(Phrase.id) == phrase_id,
            col(Phrase.submission_id) == evidence.submission_id,
            col(Phrase.used_at).is_(None),
        )
        .values(used_at=now)
    )
    if bound.rowcount != 1:
        message = "This phrase was not drawn for this recording. Draw a new one for each recording."
        raise Invalid(message, code="phrase-used", errors=(FieldError("phrase_id", message),))
    evidence.phrase_id = phrase_id


def phrases_of(session: Session, evidence: Collection[Evidence]) -> dict[UUID, Phrase]:
    """Return the phrases of these pieces of evidence, by the id of the evidence; uploaded files have none."""
    ids = [each.phrase_id for each in evidence if each.phrase_id is not None]
    found = {row.id: row for row in session.exec(select(Phrase).where(col(Phrase.id).in_(ids)))} if ids else {}
    return {each.id: found[each.phrase_id] for each in evidence if each.phrase_id in found}
