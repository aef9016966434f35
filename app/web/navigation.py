"""The main navigation: which places a role sees. Only places that exist are listed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.routing import Match

from app.actor import Role
from app.web.call import Call
from app.web.i18n import N_

STAFF = frozenset({Role.VALIDATOR, Role.LEAD_VALIDATOR, Role.AUDITOR})
PLACES: tuple[tuple[str, str, frozenset[Role] | None], ...] = (
    ("/", N_("Home"), frozenset(Role)),
    ("/submissions", N_("My submissions"), frozenset({Role.CANDIDATE})),
    ("/queue", N_("Queue"), frozenset({Role.ASSESSOR})),
    ("/validations", N_("My sample"), frozenset({Role.VALIDATOR, Role.LEAD_VALIDATOR})),
    ("/lots", N_("Lots"), STAFF),
    ("/claims", N_("Being assessed"), frozenset({Role.LEAD_VALIDATOR})),
    ("/identity", N_("Who is in it"), frozenset({Role.ADMINISTRATOR})),
    ("/rubrics", N_("Rubrics"), None),
    ("/verify", N_("Check a credential"), None),
)
ROLE_NAMES = {
    Role.CANDIDATE: N_("Candidate"),
    Role.ASSESSOR: N_("Assessor"),
    Role.VALIDATOR: N_("Validator"),
    Role.LEAD_VALIDATOR: N_("Lead validator"),
    Role.ISSUER: N_("Issuer"),
    Role.AUDITOR: N_("Auditor"),
    Role.ADMINISTRATOR: N_("Administrator"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    path: str
    text: str
    current: bool


def navigation(call: Call[Any]) -> list[Link]:
    """Return the places of this reader."""
    here, actor = call.request.url.path, call.maybe_actor
    links = [
        Link(path, call._(text), here == path or (path != "/" and here.startswith(path + "/")))
        for path, text, roles in PLACES
        if (roles is None or (actor is not None and actor.has(*roles))) and page_exists(call.request, path)
    ]
    if actor is None:
        links.append(Link("/sign-in", call._("Sign in"), here == "/sign-in"))
    return links


def page_exists(request: Request, path: str) -> bool:
    """Say whether this site has a page at a path, so that nothing links to one that it has not."""
    scope = {"type": "http", "path": path, "method": "GET", "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def initials(name: str) -> str:
    """Return up to two letters for the round mark beside a name."""
    return "".join(part[0] for part in name.split()[:2]).upper()


def role_name(translate: Callable[[str], str], role: str) -> str:
    """Return what a role is called."""
    return translate(ROLE_NAMES[Role(role)])
