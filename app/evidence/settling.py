"""Whether a submission goes on: asked whenever one of its evidence has got somewhere."""

from datetime import datetime

from sqlmodel import Session, col, select

from app.db.locking import locked
from app.evidence.models import Evidence, Rendition, Submission
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceKind, EvidenceState, RenditionKind, SubmissionState
from app.evidence.submissions import evidence_of
from app.evidence.transitions import Move, move

S = SubmissionState
READY = Move(S.READY, (S.PROCESSING,), "submission.ready")
RETURNED = Move(S.RETURNED, (S.PROCESSING,), "submission.returned")
REFUSED = frozenset({EvidenceState.REJECTED, EvidenceState.DAMAGED})
FILE_REFUSED = Reason(
    "evidence-rejected",
    "One of your files can't be used; it says why beside it. Replace it and send again. No attempt was used.",
)
PROCESSING_FAILED = Reason(
    "processing-failed",
    "We could not prepare one of your files. Try it again beside the file, or replace it. No attempt was used.",
)


def settle(session: Session, submission: Submission, *, now: datetime) -> None:
    """Move a sent submission on if its evidence allows it: to `ready`, or back to its candidate with a reason.

    Call it in the unit that changes an evidence or publishes a rendition. Does nothing in every other state.
    """
    session.flush()
    submission = locked(session, Submission, submission.id) or submission
    items = evidence_of(session, submission.id)
    if any(item.state in REFUSED for item in items):
        move(session, submission, RETURNED, now=now, reason=FILE_REFUSED.to_json())
    elif any(item.state is EvidenceState.FAILED for item in items):
        move(session, submission, RETURNED, now=now, reason=PROCESSING_FAILED.to_json())
    elif items and all(can_be_judged(session, item) for item in items):
        move(session, submission, READY, now=now, ready_at=now, reason=None)


def can_be_judged(session: Session, evidence: Evidence) -> bool:
    """Say whether an assessor can see or hear it: the playable exists. The transcript holds nobody up (section 5.1)."""
    if evidence.state is EvidenceState.READY:
        return True
    if evidence.state is not EvidenceState.PROCESSING:
        return False
    needed = (
        RenditionKind.TEXT if evidence.kind in {EvidenceKind.TEXT, EvidenceKind.DOCUMENT} else RenditionKind.PLAYABLE
    )
    found = select(Rendition.id).where(Rendition.evidence_id == evidence.id, col(Rendition.kind) == needed)
    return session.exec(found).first() is not None
