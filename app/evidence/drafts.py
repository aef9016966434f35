"""A text that is still being written: kept on the site too, so that each device of its candidate goes on with it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.actor import Actor
from app.errors import Conflict, FieldError, Invalid
from app.evidence.models import Submission, TextDraft
from app.evidence.states import SubmissionState
from app.evidence.submissions import OPEN_FOR_CHANGES, own_for_changes
from app.frameworks.rubric import rubric_of

KEPT_IN = OPEN_FOR_CHANGES | {SubmissionState.PROCESSING}  # that one may come back within minutes


@dataclass(frozen=True, slots=True)
class Writing:
    """What a device holds. `version`: what it last heard from us, 0 when it never did."""

    text: str
    language: str
    replaces: UUID | None
    version: int


def save(session: Session, *, actor: Actor, submission_id: UUID, writing: Writing, now: datetime) -> TextDraft:
    """Keep a draft. Conflict `draft-changed`, with what is kept, when another device wrote since: neither is lost."""
    submission = own_for_changes(session, actor=actor, submission_id=submission_id)
    check_language(session, submission.rubric_id, writing.language)
    draft = session.get(TextDraft, submission_id)
    same = draft is not None and draft.text == writing.text
    if draft is not None and draft.version != writing.version and not same:
        raise Conflict(
            "Another device of yours changed this text. Both are kept: choose which one goes on.",
            code="draft-changed",
            extra=draft_json(draft),
        )
    draft = draft or TextDraft(submission_id=submission_id, version=0, text="", language="", updated_at=now)
    draft.text, draft.language, draft.replaces = writing.text, writing.language, writing.replaces
    draft.version, draft.updated_at = max(draft.version, writing.version) + 1, now
    session.add(draft)
    return draft


def check_language(session: Session, rubric_id: UUID, language: str) -> None:
    """Refuse a language in which the rubric is not judged."""
    if language not in rubric_of(session, rubric_id).evidence.languages:
        message = "The rubric is not judged in this language."
        raise Invalid(message, code="language", errors=(FieldError("language", message),))


def draft_json(draft: TextDraft) -> dict[str, object]:
    """Return a draft as the API shows it."""
    replaces = str(draft.replaces) if draft.replaces else None
    return {"version": draft.version, "text": draft.text, "language": draft.language, "replaces": replaces}


def drop(session: Session, submission_id: UUID) -> None:
    """Forget the draft of a text that was added; whoever still holds it is told by the version."""
    draft = session.get(TextDraft, submission_id)
    if draft is not None:
        draft.text, draft.replaces, draft.version = "", None, draft.version + 1
        session.add(draft)


def forget_ended(session: Session) -> None:
    """Delete the drafts of submissions that were sent or withdrawn: what was never added was never given to us."""
    ended = select(Submission.id).where(col(Submission.state).not_in(KEPT_IN))
    session.connection().execute(delete(TextDraft).where(col(TextDraft.submission_id).in_(ended)))
