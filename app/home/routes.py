"""The start page."""

from dataclasses import dataclass

from starlette.responses import Response

from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import get


@dataclass(frozen=True, slots=True)
class StartPage:
    """What a person sees first."""

    name: str


def start(call: Call[NoForm]) -> Response:
    if call.maybe_actor is None:
        return call.redirect("accounts:sign-in")
    return call.page("home/start.html", StartPage(call.actor.name))


routes = [get("/", start, name="home:start", allow=Access.PUBLIC)]
