"""What the API of submissions answers (section 4.2)."""

from typing import Any

from sqlmodel import Session

from app.evidence.hooks import Hooks
from app.evidence.models import Evidence, Submission
from app.evidence.reasons import Translate, shown
from app.evidence.show import evidence_json, time_text
from app.evidence.states import EvidenceState
from app.evidence.submissions import evidence_of
from app.evidence.uploads import UPLOAD_LIFE


def submission_json(session: Session, submission: Submission, *, hooks: Hooks, translate: Translate) -> dict[str, Any]:
    """Return a submission as its candidate sees it. `result` is null until it is released."""
    credential_id = hooks.credential_id(session, submission)
    return {
        "id": str(submission.id),
        "reference": submission.reference,
        "rubric_id": str(submission.rubric_id),
        "rubric_code": submission.rubric_code,
        "language": submission.language,
        "attempt": submission.attempt,
        "follows": str(submission.follows) if submission.follows else None,
        "state": submission.state.value,
        "reason": shown(submission.reason, translate),
        "created_at": time_text(submission.created_at),
        "submitted_at": time_text(submission.submitted_at),
        "evidence": own_evidence_json(session, evidence_of(session, submission.id), translate=translate),
        "result": hooks.result(session, submission),
        "carried": [{"criterion": each["criterion"], "level": each["level"]} for each in submission.carried],
        "credential_id": str(credential_id) if credential_id else None,
    }


def own_evidence_json(session: Session, items: list[Evidence], *, translate: Translate) -> list[dict[str, Any]]:
    """Return evidence as its candidate sees it; with what an upload that goes on needs."""
    shown_items = evidence_json(session, items, staff=False, translate=translate)
    for item, answer in zip(items, shown_items, strict=True):
        if item.state is EvidenceState.UPLOADING:
            answer["upload"] = {
                "part_size_bytes": item.part_size_bytes,
                "part_count": item.part_count,
                "expires_at": time_text(item.created_at + UPLOAD_LIFE),
            }
    return shown_items
