"""Pages of an assessor: the queue and the workstation."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from app.actor import Role
from app.errors import Conflict
from app.review import claims
from app.review.api import ReasonForm, taking
from app.review.queries import AT_ONCE, Wanted, queue_page
from app.review.workstation import workstation_page
from app.text import whole_number
from app.web.call import Call, NoForm
from app.web.routing import get, post

ASSESSORS = frozenset({Role.ASSESSOR})
MOST = 200


class OpenForm(BaseModel):
    """Which submission to open."""

    model_config = ConfigDict(extra="forbid")
    submission_id: UUID


def show_queue(call: Call[NoForm]) -> Response:
    page = queue_page(call.session, actor=call.actor, now=call.now, wanted=_wanted(call), language=call.language)
    return call.page("review/queue.html", page)


def _wanted(call: Call[NoForm]) -> Wanted:
    return Wanted(
        text=(call.query("q") or "").strip()[:200],
        show=call.query("show") or "",
        language=call.query("language") or "",
        kind=call.query("kind") or "",
        sort=call.query("sort") or "",
        most=whole_number(call.query("most") or "", most=MOST) or AT_ONCE,
    )


def open_next(call: Call[NoForm]) -> Response:
    made = claims.claim_next(call.session, by=taking(call))
    if made is None:
        return call.redirect("review:queue")
    return call.redirect("review:workstation", claim_id=made.id)


def open_this(call: Call[OpenForm]) -> Response:
    made = claims.claim(call.session, submission_id=call.form.submission_id, by=taking(call))
    return call.redirect("review:workstation", claim_id=made.id)


def workstation(call: Call[NoForm]) -> Response:
    page = workstation_page(
        call.session,
        actor=call.actor,
        claim_id=call.path_id("claim_id"),
        now=call.now,
        language=call.language,
        lease_seconds=call.settings.claim_seconds,
    )
    return call.page("review/workstation.html", page)


def give_back(call: Call[NoForm]) -> Response:
    """Give a claim back; one that has ended already is as good."""
    try:
        claims.release(call.session, actor=call.actor, claim_id=call.path_id("claim_id"), now=call.now)
    except Conflict as error:
        if error.code != "claim-ended":
            raise
    return call.redirect("review:queue")


def declare_conflict(call: Call[ReasonForm]) -> Response:
    claims.declare_conflict(
        call.session, actor=call.actor, claim_id=call.path_id("claim_id"), reason=call.form.reason, now=call.now
    )
    return call.redirect("review:queue")


routes = [
    get("/queue", show_queue, name="review:queue", allow=ASSESSORS),
    post("/queue/next", open_next, name="review:next", allow=ASSESSORS),
    post("/queue/claims", open_this, OpenForm, name="review:claim", allow=ASSESSORS),
    get("/claims/{claim_id}", workstation, name="review:workstation", allow=ASSESSORS),
    post("/claims/{claim_id}/give-back", give_back, name="review:give-back", allow=ASSESSORS),
    post("/claims/{claim_id}/conflict", declare_conflict, ReasonForm, name="review:conflict", allow=ASSESSORS),
]
