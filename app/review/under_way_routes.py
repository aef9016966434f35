"""What is being assessed now, as a page and in the API: for lead validators, who may end a claim."""

from typing import Any

from starlette.responses import Response

from app.actor import Role, Scope
from app.errors import Conflict
from app.evidence.show import time_text
from app.review.api import ReasonForm
from app.review.under_way import UnderWay, break_claim, under_way
from app.web.call import Call, NoForm
from app.web.routing import get, post

LEADS = frozenset({Role.LEAD_VALIDATOR})


def page(call: Call[NoForm]) -> Response:
    return call.page("review/under_way.html", under_way(call.session, actor=call.actor, now=call.now))


def end_by_page(call: Call[ReasonForm]) -> Response:
    """End somebody's claim; one that has ended already is as good."""
    try:
        _end(call)
    except Conflict as error:
        if error.code != "claim-ended":
            raise
    return call.redirect("review:under-way")


def listed(call: Call[NoForm]) -> Response:
    """List the claims of others that are live, those held longest first."""
    found = under_way(call.session, actor=call.actor, now=call.now)
    return call.json({"items": [_json(each) for each in found], "next": None})


def end(call: Call[ReasonForm]) -> Response:
    """End somebody's claim with a reason that its assessor reads; the draft is kept."""
    _end(call)
    return call.nothing()


def _end(call: Call[ReasonForm]) -> None:
    break_claim(
        call.session, actor=call.actor, claim_id=call.path_id("claim_id"), reason=call.form.reason, now=call.now
    )


def _json(each: UnderWay) -> dict[str, Any]:
    return {
        "id": str(each.claim_id),
        "submission_id": str(each.submission_id),
        "reference": each.reference,
        "rubric": each.rubric_code,
        "assessor": each.assessor,
        "claimed_at": time_text(each.since),
        "expires_at": time_text(each.expires_at),
    }


API = "/api/v1/claims"
routes = [
    get("/claims", page, name="review:under-way", allow=LEADS),
    post("/claims/{claim_id}/break", end_by_page, ReasonForm, name="review:break", allow=LEADS, scope=Scope.VALIDATE),
    get(API, listed, name="api:under-way", allow=LEADS),
    post(API + "/{claim_id}/break", end, ReasonForm, name="api:claim-break", allow=LEADS, scope=Scope.VALIDATE),
]
