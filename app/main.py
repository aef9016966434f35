"""The composition root: the only place that joins all domains into one site."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from app import logs
from app.accounts import api as accounts_api
from app.accounts import routes as accounts_routes
from app.accounts.sign_in import find_actor
from app.credentials import api as credentials_api
from app.credentials import routes as credentials_routes
from app.db.clock import DatabaseClock
from app.db.engine import site_engine
from app.errors import AssayError, NotFound
from app.evidence import api as evidence_api
from app.evidence import correcting_api, identity_routes, media_api
from app.evidence import events as evidence_events
from app.evidence import hooks as evidence
from app.evidence import routes as evidence_routes
from app.frameworks import api as frameworks_api
from app.frameworks import routes as frameworks_routes
from app.health import ready
from app.health import routes as health_routes
from app.home import routes as home_routes
from app.home.evidence_hooks import evidence_hooks
from app.jobs.presence import live_workers
from app.release import release
from app.review import api as review_api
from app.review import routes as review_routes
from app.review import under_way_routes
from app.review.hooks import Hooks
from app.settings import Settings
from app.storage.client import Storage
from app.validation import api as validation_api
from app.validation import lots
from app.validation import routes as validation_routes
from app.web.call import Call, NoForm
from app.web.deps import Deps, never
from app.web.endpoint import Access
from app.web.errors import answer_for
from app.web.i18n import language_of
from app.web.navigation import initials, navigation, role_name
from app.web.observed import HEADER, Observed, route_of
from app.web.openapi import document
from app.web.render import STATIC, make_environment
from app.web.routing import check_policies, slow_get
from app.web.security import SecurityHeaders

log = logging.getLogger(__name__)


class Broken(AssayError):
    """What people see of a bug: nothing of its inside."""

    status = 500
    default_code = "internal-error"


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] | None = None, ending: Callable[[], bool] = never
) -> Starlette:
    """Return the site. Nothing is read from the environment and nothing is contacted here.

    The clock is the database's unless another is given: all machines must agree when a lease ends.
    """
    routes = all_routes()
    check_policies(routes)
    app = Starlette(
        routes=[*routes, Mount("/static", StaticFiles(directory=STATIC), name="static")],
        middleware=[
            Middleware(Observed, addresses=settings.log_addresses),
            Middleware(SecurityHeaders, settings=settings),
        ],
        exception_handlers={HTTPException: _on_http_error, Exception: _on_bug},
    )
    engine, storage = site_engine(settings), Storage(settings)
    app.state.deps = Deps(
        settings=settings,
        engine=engine,
        storage=storage,
        templates=_templates(),
        find_actor=find_actor,
        clock=clock or DatabaseClock(engine),
        services={
            "review": review_hooks(),
            evidence.SERVICE: evidence_hooks(settings),
            ready.SERVICE: ready.Watch(engine, storage, workers=lambda: [each.queues for each in live_workers(engine)]),
        },
        ending=ending,
    )
    return app


def review_hooks() -> Hooks:
    """Return what lots do at moments of a review."""
    return Hooks(
        on_claim=lambda session, assessor_id, rubric, now: lots.ensure_open_lot(
            session, assessor_id=assessor_id, rubric=rubric, now=now
        ),
        on_decision=lambda session, decision, now: lots.join_lot(session, decision=decision, now=now),
    )


def _templates() -> Environment:
    environment = make_environment()
    environment.globals.update({"navigation": navigation, "initials": initials, "role_name": role_name})
    return environment


def all_routes() -> list[BaseRoute]:
    """Return the routes of all domains; the first match wins."""
    return [
        *evidence_routes.routes,
        *identity_routes.routes,
        *home_routes.routes,
        *frameworks_routes.routes,
        *accounts_routes.routes,
        *accounts_api.routes,
        *frameworks_api.routes,
        *evidence_api.routes,
        *media_api.routes,
        *correcting_api.routes,
        *evidence_events.routes,
        *review_api.routes,
        *under_way_routes.routes,
        *review_routes.routes,
        *validation_api.routes,
        *credentials_api.routes,
        *credentials_routes.routes,
        *validation_routes.routes,
        *api,
        *health_routes.routes,
    ]


def openapi(call: Call[NoForm]) -> Response:
    """Serve the OpenAPI document of the JSON API."""
    return call.json(document(release()))


api = [slow_get("/api/openapi.json", openapi, name="api:openapi", allow=Access.PUBLIC)]


def _anonymous(request: Request) -> Call[Any]:
    deps: Deps = request.app.state.deps
    return Call[Any](request, deps, None, NoForm(), deps.clock(), language_of(request))


def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer for addresses and methods that no route has."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    refusal = NotFound("There is nothing at this address.")
    if status == 405:  # noqa: PLR2004
        refusal = NotFound("This address can't be used in that way.", code="method-not-allowed")
        refusal.status = 405
    return answer_for(_anonymous(request), refusal)


def _on_bug(request: Request, error: Exception) -> Response:
    """Answer for a bug; it is logged whole by the server."""
    with logs.about(request_id=request.scope["request_id"]):
        log.error("unhandled error on %s", route_of(request.scope), exc_info=error)
    broken = Broken("Something broke on our side. Nothing was lost; please try again.")
    answer = answer_for(_anonymous(request), broken)
    answer.headers[HEADER] = request.scope["request_id"]  # this answer is made outside all middleware
    return answer
