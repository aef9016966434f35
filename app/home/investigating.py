"""A submission under investigation is judged by nobody: what review and validation must do about it, and undo."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.db.locking import locked
from app.evidence.models import Submission
from app.evidence.states import SubmissionState
from app.jobs.catalog import ISSUE
from app.jobs.service import retry_failed
from app.review import claims
from app.validation import leases


def stop_judging(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """End the claim and the validation of a submission, if it is still under investigation. Drafts are kept."""
    submission = locked(session, Submission, submission_id)
    if submission is None or submission.state is not SubmissionState.UNDER_INVESTIGATION:
        return
    claims.end_for_investigation(session, submission_id=submission_id, now=now)
    leases.end_for_investigation(session, submission_id=submission_id, now=now)


def issue_again(session: Session, *, submission_id: UUID, now: datetime) -> None:
    """Try once more to issue the credential of a submission, if that was refused because of its evidence."""
    retry_failed(session, now=now, only=[f"{ISSUE.name}:{submission_id}"])
