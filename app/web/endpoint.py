"""From a request to a handler and back: who asks, may they, what they sent, one unit of work, refusals.

The unit commits before the answer leaves. Handlers are plain functions and run in the thread pool; only the reading
of bodies and event streams are asynchronous.
"""

import hashlib
import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.actor import Actor, Role, Scope
from app.db.engine import reading, writing
from app.db.failures import Contended
from app.errors import (
    AssayError,
    FieldError,
    Invalid,
    NotAllowed,
    SignInNeeded,
    Unavailable,
)
from app.web import limits
from app.web.body import Body, read_body
from app.web.call import Call, NoForm
from app.web.deps import Deps
from app.web.errors import answer_for, is_api
from app.web.i18n import N_, language_of
from app.web.idempotency import HELD, Remembered, forget, remember, take
from app.web.security import is_cross_site

log = logging.getLogger(__name__)
TRIES = 4
PAUSE_SECONDS = 0.05
SLOW_AT_ONCE = 40  # as many as the thread pool has for all others
SLOW_THREADS: RunVar[CapacityLimiter] = RunVar("slow")  # of one event loop

Handler = Callable[[Call[Any]], Response]


class Access(StrEnum):
    """Who may use a route apart from named roles."""

    PUBLIC = "public"
    PROGRAMS = "programs"  # health and figures: nobody is identified, so they need no database
    SIGNED_IN = "signed-in"


class Unit(StrEnum):
    """The unit of work that `endpoint` opens."""

    READING = "reading"
    WRITING = "writing"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything about a route that is not its handler. The table of all of them is `app.web.routing.POLICIES`."""

    name: str
    allow: frozenset[Role] | Access
    scope: Scope
    form: type[BaseModel]
    unit: Unit
    remembers: bool
    again: Handler | None
    limit: str | None = None
    does: str = ""  # one sentence, for the OpenAPI document


def make_endpoint(handler: Handler, policy: Policy, *, path: str) -> Callable[[Request], Any]:
    """Return the ASGI endpoint of a route."""

    async def endpoint(request: Request) -> Response:
        request.scope["route_template"] = path
        deps: Deps = request.app.state.deps
        call = Call[Any](request, deps, None, NoForm(), deps.clock(), language_of(request))
        try:
            body = await read_body(request)
        except AssayError as error:
            return answer_for(call, error)
        if policy.unit is Unit.OWN:
            return await to_thread.run_sync(_answer, call, body, handler, policy, limiter=_slow_threads())
        return await run_in_threadpool(_answer, call, body, handler, policy)

    endpoint.__name__ = handler.__name__
    return endpoint


def _slow_threads() -> CapacityLimiter:
    """Return the threads for requests that talk to others: while a storage hangs, the rest of the site has its own."""
    try:
        return SLOW_THREADS.get()
    except LookupError:
        SLOW_THREADS.set(CapacityLimiter(SLOW_AT_ONCE))
        return SLOW_THREADS.get()


def _answer(call: Call[Any], body: Body, handler: Handler, policy: Policy) -> Response:
    """Run the whole request; every refusal becomes an answer here, every bug is logged and becomes a 500."""
    try:
        _identify(call, policy)
        call.files = body.files
        call.typed = body.fields
        call.form = _parse(policy.form, body.fields)
        return _in_unit(call, body, handler, policy)
    except Invalid as error:
        if policy.again is not None and not is_api(call):
            return _again(call, error, policy.again)
        return answer_for(call, error)
    except AssayError as error:
        return answer_for(call, error)


def _identify(call: Call[Any], policy: Policy) -> None:
    """Find out who asks and whether they may. Refuses cross-site requests that carry a cookie."""
    if policy.allow is Access.PROGRAMS:
        return
    if call.request.cookies or "authorization" in call.request.headers:
        with reading(call.deps.engine) as session:
            call.maybe_actor = call.deps.find_actor(session, call.request, call.now)
    actor = call.maybe_actor
    call.request.scope["person_id"] = actor.person_id if actor else None
    by_cookie = not (actor and actor.by_token) and "authorization" not in call.request.headers
    if by_cookie and policy.unit is not Unit.READING and is_cross_site(call.request, call.settings):
        cookies = bool(call.request.cookies) or not is_api(call)
        if cookies:
            raise NotAllowed("This request came from another site and was refused.", code="cross-site")
    why_not = why_not_allowed(actor, policy)
    if why_not is not None:
        raise why_not
    if policy.limit is not None:
        limits.hit(call, route=policy.name, limit=policy.limit)


def why_not_allowed(actor: Actor | None, policy: Policy) -> AssayError | None:
    """Say why this person may not use this route, or None. Pure: the policy test walks the whole table with it."""
    if policy.allow in {Access.PUBLIC, Access.PROGRAMS}:
        return None
    if actor is None:
        return SignInNeeded("Please sign in first.")
    if isinstance(policy.allow, frozenset) and not (policy.allow & actor.roles):
        return NotAllowed("Your role does not include this. Ask your administrator if it should.")
    if policy.scope not in actor.scopes:
        return NotAllowed("This token does not include the scope %(scope)s.", scope=policy.scope.value)
    return None


def _in_unit(call: Call[Any], body: Body, handler: Handler, policy: Policy) -> Response:
    if policy.unit is Unit.READING:
        with reading(call.deps.engine) as session:
            call.maybe_session = session
            return handler(call)
    key = call.request.headers.get("idempotency-key")
    remembered = Remembered.of(call, policy.name, key, hashlib.sha256(body.raw).hexdigest()) if key else None
    if not policy.remembers:
        remembered = None
    if policy.unit is Unit.OWN:
        return _slow(call, handler, remembered)
    for attempt in range(1, TRIES):
        try:
            return _once(call, handler, remembered)
        except Contended:  # of two units in each other's way the database ended this one: nothing of it is stored
            time.sleep(random.uniform(0, PAUSE_SECONDS * attempt))  # noqa: S311  # spreads tries, is no secret
    return _once(call, handler, remembered)


def _once(call: Call[Any], handler: Handler, remembered: Remembered | None) -> Response:
    """Answer a key that was answered before as then; else run the handler and remember, in the same transaction."""
    with writing(call.deps.engine) as session:
        call.maybe_session = session
        if remembered is None:
            return handler(call)
        if (earlier := take(session, remembered)) is not None:
            return earlier
        answer = handler(call)
        remember(session, remembered, answer)
        return answer


def _slow(call: Call[Any], handler: Handler, remembered: Remembered | None) -> Response:
    """Do the same for a handler with units of its own: it holds the key meanwhile."""
    if remembered is None:
        return handler(call)
    with call.writing() as session:
        if (earlier := take(session, remembered)) is not None:
            return earlier
    try:
        answer = handler(call)
    except Exception:
        _let_go(call, remembered)
        raise
    with call.writing() as session:
        remember(session, remembered, answer)
    return answer


def _let_go(call: Call[Any], remembered: Remembered) -> None:
    try:
        with call.writing() as session:
            forget(session, remembered)
    except Unavailable:
        log.warning("a key could not be let go just now: it is free in %s", HELD)


def _again(call: Call[Any], error: Invalid, handler: Handler) -> Response:
    """Show the form once more, with everything that was typed and the errors beside the fields."""
    call.errors = error.errors or (FieldError("", error.detail),)
    with reading(call.deps.engine) as session:
        call.maybe_session = session
        answer = handler(call)
    answer.status_code = error.status
    return answer


def _parse(form: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    if unwritable := tuple(_no_text(field, value) for field, value in fields.items() if _holds_no_text([field, value])):
        raise Invalid("Please check what was sent: something is missing or wrong.", errors=unwritable)
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        raise Invalid(
            "Please check what was sent: something is missing or wrong.",
            errors=tuple(_field_error(item) for item in error.errors(include_url=False)),
        ) from error


def _no_text(field: str, value: Any) -> FieldError:
    return FieldError(field if _holds_no_text(value) else "", N_("This holds a character that is no text."))


def _holds_no_text(value: Any, levels: int = 0) -> bool:
    """Tell whether something holds what neither PostgreSQL nor UTF-8 can write: U+0000, half a surrogate pair.

    Invalid for what is nested so deeply that our own code would come to its end on the way down.
    """
    if levels > MOST_LEVELS:
        raise Invalid("Please check what was sent: something is missing or wrong.", code="too-deep")
    if isinstance(value, str):
        return NO_TEXT.search(value) is not None
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return isinstance(value, list) and any(_holds_no_text(each, levels + 1) for each in value)


MOST_LEVELS = 40
NO_TEXT = re.compile("[\x00\ud800-\udfff]")
MESSAGES = {
    "missing": N_("This is needed."),
    "extra_forbidden": N_("There is no field of this name."),
    "string_too_short": N_("This is too short."),
    "string_too_long": N_("This is too long."),
    "uuid_parsing": N_("This is not an id."),
    "enum": N_("This is not one of the possible values."),
    "literal_error": N_("This is not one of the possible values."),
    "int_parsing": N_("This is not a whole number."),
    "bool_parsing": N_("This must be true or false."),
}


def _field_error(item: Any) -> FieldError:
    return FieldError(
        field=".".join(str(part) for part in item["loc"]),
        message=MESSAGES.get(item["type"], str(item["msg"])),
    )
