"""Pages that read across domains: the start page by role, a candidate's submissions, one submission as a whole."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from app.accounts.models import Organisation
from app.actor import Role
from app.frameworks.queries import organisation_text
from app.home import handing
from app.home.candidate import candidate_part, cases_page
from app.home.case import case_page
from app.home.judging import assessor_part, validator_part
from app.home.overseeing import administrator_part, auditor_part, issuer_part, lead_part
from app.home.parts import Part, StartPage, Words, Work, WorkList
from app.text import in_language
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.i18n import ngettext_later
from app.web.navigation import page_exists
from app.web.render import day, moment
from app.web.routing import get
from app.web.security import WITH_WASM, content_security_policy


def start(call: Call[NoForm]) -> Response:
    if call.maybe_actor is None:
        return call.redirect("accounts:sign-in")
    return call.page("home/start.html", start_page(call))


def start_page(call: Call[NoForm]) -> StartPage:
    """Return the parts of all roles that the person holds, in the order of the work."""
    session, actor, now, words = call.session, call.actor, call.now, words_for(call)
    makers: dict[Role, Callable[[], Part]] = {
        Role.CANDIDATE: lambda: candidate_part(session, actor, words),
        Role.ASSESSOR: lambda: assessor_part(session, actor, words, now),
        Role.VALIDATOR: lambda: validator_part(session, actor, words, now),
        Role.LEAD_VALIDATOR: lambda: lead_part(session, actor, words),
        Role.ISSUER: lambda: issuer_part(session, actor, words),
        Role.AUDITOR: lambda: auditor_part(session, actor, words),
        Role.ADMINISTRATOR: lambda: administrator_part(session, actor, words),
    }
    parts = [make() for role, make in makers.items() if role in actor.roles]
    organisation = organisation_text(session.get_one(Organisation, actor.organisation_id))
    return StartPage(actor.name, organisation, [_only_built(part, call.request) for part in parts])


def words_for(call: Call[NoForm]) -> Words:
    """Return how to say things to this reader."""
    language = call.language

    def count(one: str, many: str, n: int) -> str:
        return ngettext_later(one, many, n, language) % {"n": n}

    return Words(
        _=call._,
        count=count,
        text=lambda text: in_language(text, language),
        day=lambda when: day(when, language),
        moment=lambda when: moment(when, language),
    )


def _only_built(part: Part, request: Request) -> Part:
    """Take away the links to pages that this site does not have."""

    def kept(work: Work) -> Work:
        return work if work.path is None or page_exists(request, work.path) else replace(work, path=None)

    lists = [replace(each, items=[kept(work) for work in each.items]) for each in part.lists]
    return replace(
        part, lists=[_with_link(each, request) for each in lists], next=kept(part.next) if part.next else None
    )


def _with_link(each: WorkList, request: Request) -> WorkList:
    keep = each.empty_path is None or page_exists(request, each.empty_path)
    return each if keep else replace(each, empty_path=None)


def cases(call: Call[NoForm]) -> Response:
    return call.page("evidence/list.html", cases_page(call.session, call.actor))


def case(call: Call[NoForm]) -> Response:
    page = case_page(call.session, call.actor, call.path_id("submission_id"), now=call.now)
    answer = call.page("evidence/submission.html", page)
    return allow_fingerprints(call, answer)


def allow_fingerprints(call: Call[NoForm], answer: Response) -> Response:
    """Let a page compute SHA-256 of large files: by WebAssembly."""
    policy = content_security_policy(call.settings)
    answer.headers["Content-Security-Policy"] = f"{policy}; {WITH_WASM}"
    return answer


def record(call: Call[NoForm]) -> Response:
    """Show the recorder: the one page that may use camera, microphone and screen."""
    page = case_page(call.session, call.actor, call.path_id("submission_id"), now=call.now)
    if not page.open or not page.sources:
        return call.redirect("evidence:submission", submission_id=page.submission.id)
    answer = allow_fingerprints(call, call.page("evidence/record.html", page))
    allowed = ("camera", "microphone", "display-capture", "screen-wake-lock")
    answer.headers["Permissions-Policy"] = ", ".join([*(f"{each}=(self)" for each in allowed), "geolocation=()"])
    return answer


CANDIDATE = frozenset({Role.CANDIDATE})
routes = [
    get("/", start, name="home:start", allow=Access.PUBLIC),
    get("/submissions", cases, name="evidence:list", allow=CANDIDATE),
    get("/submissions/{submission_id}", case, name="evidence:submission", allow=CANDIDATE),
    get("/submissions/{submission_id}/record", record, name="evidence:record", allow=CANDIDATE),
    *handing.routes,
]
