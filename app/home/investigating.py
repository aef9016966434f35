"""A submission under investigation is judged by nobody: what review and validation must do about it, and undo."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from app.credentials.models import SigningKey
from app.db.clock import now_in
from app.db.engine import writing
from app.db.locking import locked
from app.evidence.custody import Finding, resting_on, verify_submission
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.jobs.catalog import ISSUE
from app.jobs.service import retry_failed
from app.review import claims
from app.storage.client import Storage
from app.validation import leases


def stop_judging(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End the claim and the validation of a submission, if it is still under investigation. Drafts are kept."""
    submission = locked(session, Submission, submission_id)
    if submission is None or submission.state is not SubmissionState.UNDER_INVESTIGATION:
        return
    claims.end_for_investigation(session, submission_id=submission_id, now=now)
    leases.end_for_investigation(session, submission_id=submission_id, now=now)


def verify_again(engine: Engine, storage: Storage, submission_id: UUID) -> Iterator[Finding]:
    """Look at the originals of one submission; yields a finding each. Raises Unavailable.

    Judging has ended before anything is cleared, even if no worker ran meanwhile. A credential that was refused
    because of what is cleared now is tried once more.
    """
    with writing(engine) as session:
        now = now_in(session)
        concerned = [each.id for each in resting_on(session, submission_id)]
        for each in concerned:
            stop_judging(session, submission_id=each, now=now)
    was_cleared = False
    for finding in verify_submission(engine, storage, submission_id, public_key=_public_key, now=now):
        was_cleared = was_cleared or finding.cleared
        yield finding
    if was_cleared:
        with writing(engine) as session:
            retry_failed(session, now=now, only=[f"{ISSUE.name}:{each}" for each in concerned])


def _public_key(session: Session, kid: str) -> str | None:
    key = session.get(SigningKey, kid)
    return key.public_multibase if key else None
