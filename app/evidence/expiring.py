"""Uploads that nobody finished: after a week they are dropped, and their candidates are told.

Texts that were never added go too, with the end of their submission; nobody has to be told.

A storage may lose an upload too: a rule of its own that drops unfinished ones, or a move to another storage, which
unfinished uploads can't follow. Their candidates are told as well, or they would wait for ever.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.errors import NotFound
from app.evidence import drafts, processing, removing
from app.evidence.adding import ALL_EVIDENCE
from app.evidence.models import Evidence
from app.evidence.processing import Key
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceState
from app.evidence.uploads import UPLOAD_LIFE
from app.storage.client import Storage

YOUNG = timedelta(hours=1)  # an upload that has just begun, or is just being completed, is not looked for
EXPIRED = Reason(
    "upload-expired", "This upload was not finished within a week, so it was dropped. Remove it and begin again."
)
LOST = Reason("upload-lost", "The storage lost this upload. Remove it and upload the file again.")


def sweep(engine: Engine, storage: Storage, *, now: datetime, go_on: Callable[[], None]) -> None:
    """Drop what is older than a week, whether we know it or not. Repeating it changes nothing.

    `go_on` is called before each step and may raise, to stop. Raises Unavailable.
    """
    with writing(engine) as session:
        drafts.forget_ended(session)
    with reading(engine) as session:
        waiting = session.exec(select(Evidence).where(col(Evidence.state) == EvidenceState.UPLOADING)).all()
    for evidence in waiting:
        go_on()
        if reason := _why_over(storage, evidence, now):
            with writing(engine) as session:
                _end(session, Key(evidence.id, evidence.generation), reason, now=now)
    for upload in storage.unfinished(ALL_EVIDENCE):
        if upload.began_at + UPLOAD_LIFE < now:
            go_on()
            storage.abort_upload(upload.key, upload_id=upload.upload_id)


def _why_over(storage: Storage, evidence: Evidence, now: datetime) -> Reason | None:
    """Return why an upload will never be finished, or None for one that may."""
    if evidence.created_at + UPLOAD_LIFE < now:
        return EXPIRED
    if evidence.created_at + YOUNG > now:
        return None
    try:
        storage.list_parts(evidence.object_key, upload_id=evidence.upload_id or "")
    except NotFound:
        return None if storage.head(evidence.object_key) else LOST  # joined, and not yet written down
    return None


def _end(session: Session, key: Key, reason: Reason, *, now: datetime) -> None:
    """Tell the candidate, unless the upload was completed or removed meanwhile; a job deletes what is there.

    Looked at under its lock: an upload that is just being completed must not lose its object.
    """
    evidence = processing.current(session, key, states=processing.UNFINISHED)
    if evidence is not None:
        removing.erase_later(session, evidence, now)
        processing.abandoned(session, key, reason, now=now)
