"""What the API of submissions answers (section 4.2)."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from app.evidence.hooks import Hooks
from app.evidence.models import Evidence, Submission
from app.evidence.reasons import Translate, shown
from app.evidence.show import evidence_json, time_text
from app.evidence.states import EvidenceState, SubmissionState
from app.evidence.submissions import evidence_of_all
from app.evidence.uploads import UPLOAD_LIFE


def submission_json(session: Session, submission: Submission, *, hooks: Hooks, translate: Translate) -> dict[str, Any]:
    """Return a submission as its candidate sees it."""
    return submissions_json(session, [submission], hooks=hooks, translate=translate)[0]


def submissions_json(
    session: Session, submissions: Sequence[Submission], *, hooks: Hooks, translate: Translate
) -> list[dict[str, Any]]:
    """Return submissions as their candidate sees them; evidence is read by three queries, however long the list."""
    evidence = evidence_of_all(session, [submission.id for submission in submissions])
    every = [item for items in evidence.values() for item in items]
    shown_items = own_evidence_json(session, every, translate=translate)
    answers = {item.id: answer for item, answer in zip(every, shown_items, strict=True)}
    return [
        {
            **_facts(submission, translate),
            "evidence": [answers[item.id] for item in evidence.get(submission.id, [])],
            **_outcome(session, submission, hooks),
        }
        for submission in submissions
    ]


def _facts(submission: Submission, translate: Translate) -> dict[str, Any]:
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
        "identity": submission.identity.value,
        "other_people": submission.other_people,
        "carried": [{"criterion": each["criterion"], "level": each["level"]} for each in submission.carried],
    }


def _outcome(session: Session, submission: Submission, hooks: Hooks) -> dict[str, Any]:
    """Return what is told once the result is final; before that both are null, whatever is decided."""
    if submission.state is not SubmissionState.FINALISED:
        return {"result": None, "credential_id": None}
    credential_id = hooks.credential_id(session, submission)
    return {
        "result": hooks.result(session, submission),
        "credential_id": str(credential_id) if credential_id else None,
    }


def own_evidence_json(session: Session, items: Sequence[Evidence], *, translate: Translate) -> list[dict[str, Any]]:
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
