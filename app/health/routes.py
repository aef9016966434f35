"""`/healthz`, `/readyz`, `/metrics`: for load balancers, supervisors and Prometheus; nobody signs in to them."""

import hmac

from starlette.requests import Request
from starlette.responses import Response

from app import meters
from app.db.clock import system_clock
from app.errors import BadRequest, NotFound
from app.health.figures import Figures
from app.health.ready import PARTS, SERVICE, Watch
from app.settings import LOOPBACK
from app.web.call import Call, NoForm
from app.web.endpoint import Access
from app.web.routing import slow_get

FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"})


def alive(call: Call[NoForm]) -> Response:
    """Say that the process answers. Touches nothing: a database that is down is no reason to restart a site."""
    return call.json({"ok": True})


def ready(call: Call[NoForm]) -> Response:
    """Say whether the installation can do its work, and what is missing.

    `?only=database,storage` looks at these parts alone: what a load balancer needs of a site.
    """
    watch: Watch = call.deps.services[SERVICE]
    asked = call.query("only")
    only = asked.split(",") if asked else None
    if unknown := set(only or ()) - PARTS.keys():
        raise BadRequest("There is no part of the name %(name)s.", name=min(unknown), code="unknown-part")
    missing = watch.missing(only)
    return call.json({"ok": not missing, "missing": missing}, status=503 if missing else 200)


def metrics(call: Call[NoForm]) -> Response:
    """Return the figures of this site for Prometheus; to anybody who may not have them there is nothing here."""
    if not _may_read(call.request, token=call.settings.metrics_token, public=call.settings.public):
        raise NotFound("There is nothing at this address.")
    watch: Watch = call.deps.services[SERVICE]
    figures = Figures(call.deps.engine, workers=watch.workers, now=system_clock())
    return Response(meters.exposition([figures]), media_type=meters.MEDIA_TYPE)


def _may_read(request: Request, *, token: str, public: bool) -> bool:
    """Say whether a caller holds the token; where none is set, whether it is a program on this machine.

    A proxy on this machine hands on what strangers ask, so a trace of one is a no, and so is a public address.
    """
    if token:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    here = request.client is not None and request.client.host in LOOPBACK | {"testclient"}
    return here and not public and FORWARDED.isdisjoint(request.headers.keys())


routes = [
    slow_get("/healthz", alive, name="health:alive", allow=Access.PROGRAMS),
    slow_get("/readyz", ready, name="health:ready", allow=Access.PROGRAMS),
    slow_get("/metrics", metrics, name="health:metrics", allow=Access.PROGRAMS),
]
