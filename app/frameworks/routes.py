"""Public pages of the rubrics: what will be judged, before one applies."""

from starlette.responses import Response

from app.frameworks.queries import rubric_page, rubrics_page
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import get


def rubrics(call: Call[NoForm]) -> Response:
    own = call.maybe_actor.organisation_id if call.maybe_actor else None
    return call.page("frameworks/rubrics.html", rubrics_page(call.session, organisation_id=own))


def rubric(call: Call[NoForm]) -> Response:
    page = rubric_page(
        call.session,
        code=call.path("code"),
        version=call.query("version"),
        organisation=call.query("organisation"),
        organisation_id=call.maybe_actor.organisation_id if call.maybe_actor else None,
    )
    return call.page("frameworks/rubric.html", page)


routes = [
    get("/rubrics", rubrics, name="frameworks:rubrics", allow=Access.PUBLIC),
    get("/rubrics/{code}", rubric, name="frameworks:rubric", allow=Access.PUBLIC),
]
