"""API section 4.4: the queue, claims, drafts, sending."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select
from starlette.responses import Response

from app.actor import Role, Scope
from app.assessments.forms import DraftForm, SendForm
from app.assessments.models import Assessment
from app.assessments.service import Preview, preview
from app.errors import BadRequest
from app.evidence.models import Submission
from app.evidence.show import evidence_json, time_text
from app.evidence.submissions import evidence_of
from app.frameworks.api import rubric_json
from app.frameworks.models import RubricVersion
from app.review import claims
from app.review.hooks import Hooks, Taking
from app.review.models import Claim
from app.review.queue import Filters, QueueItem, queue_slice
from app.review.sending import send as send_judgement
from app.web.call import Call, NoForm
from app.web.routing import get, post

ASSESSORS = frozenset({Role.ASSESSOR})
MOST_LISTED = 100
MOST_DIGITS = 9  # what is longer is too much anyway, and Python reads no number of thousands of digits


class ClaimForm(BaseModel):
    """Nothing = the next one for me."""

    model_config = ConfigDict(extra="forbid")
    submission_id: UUID | None = None


class ReasonForm(BaseModel):
    """Why somebody should not judge this submission, or why a claim is ended."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


def hooks_of(call: Call[Any]) -> Hooks:
    """Return what domains above do at moments of a review."""
    hooks: Hooks = call.deps.services["review"]
    return hooks


def lease_of(call: Call[Any]) -> timedelta:
    """Return how long a claim lasts."""
    return timedelta(seconds=call.settings.claim_seconds)


def taking(call: Call[Any]) -> Taking:
    """Return who takes a submission here, and for how long."""
    return Taking(call.actor, call.now, lease_of(call), hooks_of(call))


def queue(call: Call[NoForm]) -> Response:
    """List what waits for an assessor."""
    filters = Filters(call.query("rubric"), call.query("language"), call.query("kind"), call.query("sort"))
    found = queue_slice(
        call.session, actor=call.actor, now=call.now, filters=filters, limit=limit_of(call), after=cursor_of(call)
    )
    following = str(found.next) if found.next else None
    return call.json({"items": [item_json(item) for item in found.items], "next": following})


def limit_of(call: Call[Any]) -> int:
    """Return how many items of a list are asked for."""
    wanted = call.query("limit") or "50"
    if not wanted.isdecimal() or len(wanted) > MOST_DIGITS or not 1 <= int(wanted) <= MOST_LISTED:
        raise BadRequest("The limit is a number from 1 to 100.", code="bad-limit")
    return int(wanted)


def cursor_of(call: Call[Any]) -> UUID | None:
    """Return the item after which a list goes on."""
    wanted = call.query("cursor")
    try:
        return UUID(wanted) if wanted else None
    except ValueError as error:
        raise BadRequest("This cursor is not one of ours.", code="bad-cursor") from error


def item_json(item: QueueItem) -> dict[str, Any]:
    """Return one submission of the queue: no name, no id of the candidate."""
    return {
        "submission_id": str(item.submission_id),
        "reference": item.reference,
        "rubric_id": str(item.rubric_id),
        "waiting_since": time_text(item.waiting_since),
        "due_at": time_text(item.due_at),
        "duration_ms": item.duration_ms,
        "kinds": item.kinds,
        "language": item.language,
        "attempt": item.attempt,
        "warnings": item.warnings,
    }


def claim(call: Call[ClaimForm]) -> Response:
    """Claim a submission, or the one that has waited longest."""
    wanted, by = call.form.submission_id, taking(call)
    made = (
        claims.claim_next(call.session, by=by)
        if wanted is None
        else claims.claim(call.session, submission_id=wanted, by=by)
    )
    return call.nothing() if made is None else call.json(claim_json(made), status=201)


def claim_json(made: Claim) -> dict[str, Any]:
    """Return a claim in short."""
    return {
        "id": str(made.id),
        "submission_id": str(made.submission_id),
        "expires_at": time_text(made.expires_at),
        "version": made.version,
    }


def show(call: Call[NoForm]) -> Response:
    """Return all that the workstation shows of a claim."""
    made = claims.own_claim(call.session, actor=call.actor, claim_id=call.path_id("claim_id"))
    return call.json(workstation_json(call.session, made))


def workstation_json(session: Session, made: Claim) -> dict[str, Any]:
    """Return all that the workstation shows. Nothing says whether this is a first or a later mark (rule 11)."""
    submission = session.get_one(Submission, made.submission_id)
    rubric = session.get_one(RubricVersion, submission.rubric_id)
    return {
        **claim_json(made),
        "reference": submission.reference,
        "language": submission.language,
        "attempt": submission.attempt,
        "identity": submission.identity.value,
        "other_people": submission.other_people,
        "rubric": rubric_json(session, rubric),
        "evidence": evidence_json(session, evidence_of(session, submission.id), staff=True),
        "earlier": _earlier(session, submission),
        "draft": made.draft,
        "preview": preview_json(preview(session, submission=submission, draft=made.draft)),
    }


def _earlier(session: Session, submission: Submission) -> list[dict[str, Any]]:
    """Return what was judged in earlier attempts, and what was asked for in this one.

    Other marks of this attempt stay hidden: a claim never says whether it is a first, second or third mark (rule 11).
    """
    family = select(Submission.id).where(
        Submission.candidate_id == submission.candidate_id,
        Submission.rubric_code == submission.rubric_code,
        Submission.attempt < submission.attempt,
    )
    asked_for = (col(Assessment.submission_id) == submission.id) & (col(Assessment.outcome) == "returned")
    rows = session.exec(
        select(Assessment)
        .where(
            col(Assessment.submission_id).in_(family) | asked_for,
            col(Assessment.outcome) != "under-investigation",
        )
        .order_by(col(Assessment.locked_at))
    )
    return [
        {
            "attempt": row.attempt,
            "outcome": row.outcome,
            "percent": row.percent or None,
            "scores": row.scores,
            "message": row.message,
            "locked_at": time_text(row.locked_at),
        }
        for row in rows
    ]


def preview_json(found: Preview) -> dict[str, Any]:
    """Return what a draft would come to."""
    return {
        "outcome": found.outcome,
        "percent": found.percent,
        "borderline": found.borderline,
        "missing": [{"field": each.field, "message": each.message} for each in found.missing],
    }


def renew(call: Call[NoForm]) -> Response:
    """Hold a claim for longer."""
    made = claims.renew(
        call.session, actor=call.actor, claim_id=call.path_id("claim_id"), now=call.now, lease=lease_of(call)
    )
    return call.json(claim_json(made))


def release(call: Call[NoForm]) -> Response:
    """Give a claim back; its draft is kept."""
    claims.release(call.session, actor=call.actor, claim_id=call.path_id("claim_id"), now=call.now)
    return call.nothing()


def conflict(call: Call[ReasonForm]) -> Response:
    """Declare a conflict of interest and give the claim back."""
    claims.declare_conflict(
        call.session, actor=call.actor, claim_id=call.path_id("claim_id"), reason=call.form.reason, now=call.now
    )
    return call.nothing()


def draft(call: Call[DraftForm]) -> Response:
    """Save the draft of an assessment."""
    made = claims.save_draft(
        call.session,
        actor=call.actor,
        claim_id=call.path_id("claim_id"),
        version=call.form.version,
        parts=call.form.parts(),
    )
    submission = call.session.get_one(Submission, made.submission_id)
    seen = preview(call.session, submission=submission, draft=made.draft)
    return call.json({"version": made.version, "saved_at": time_text(call.now), "preview": preview_json(seen)})


def send(call: Call[SendForm]) -> Response:
    """Lock the assessment and send it."""
    locked = send_judgement(
        call.session,
        actor=call.actor,
        claim_id=call.path_id("claim_id"),
        form=call.form,
        now=call.now,
        hooks=hooks_of(call),
    )
    following = None
    if call.form.next:
        following = claims.claim_next(call.session, by=taking(call))
    return call.json(
        {
            "id": str(locked.id),
            "outcome": locked.outcome,
            "percent": locked.percent or None,
            "borderline": locked.borderline,
            "locked_at": time_text(locked.locked_at),
            "next": claim_json(following) if following else None,
        }
    )


routes = [
    get("/api/v1/queue", queue, name="api:queue", allow=ASSESSORS),
    post("/api/v1/queue/claims", claim, ClaimForm, name="api:claim", allow=ASSESSORS, scope=Scope.ASSESS),
    get("/api/v1/claims/{claim_id}", show, name="api:claim-show", allow=ASSESSORS),
    post("/api/v1/claims/{claim_id}/renew", renew, name="api:claim-renew", allow=ASSESSORS, scope=Scope.ASSESS),
    post(
        "/api/v1/claims/{claim_id}",
        release,
        name="api:claim-release",
        allow=ASSESSORS,
        scope=Scope.ASSESS,
        method="DELETE",
    ),
    post(
        "/api/v1/claims/{claim_id}/draft",
        draft,
        DraftForm,
        name="api:claim-draft",
        allow=ASSESSORS,
        scope=Scope.ASSESS,
        method="PATCH",
    ),
    post("/api/v1/claims/{claim_id}/send", send, SendForm, name="api:send", allow=ASSESSORS, scope=Scope.ASSESS),
    post(
        "/api/v1/claims/{claim_id}/conflict",
        conflict,
        ReasonForm,
        name="api:claim-conflict",
        allow=ASSESSORS,
        scope=Scope.ASSESS,
    ),
]
