"""ASGI middleware around everything: gives each request an id, writes one line about it, counts it.

Never logged or counted: query strings, bodies, paths with ids (the route's template stands for them), names, e-mail.
"""

import ipaddress
import logging
import re
import secrets
import time
from typing import Any, Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs, meters

log = logging.getLogger(logs.REQUESTS)
HEADER = "X-Request-Id"
SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
SERVER_ERROR = 500
EVENTS = b"text/event-stream"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
Addresses = Literal["full", "network", "none"]


class Observed:
    """`addresses`: how much of the caller's address the log keeps."""

    def __init__(self, app: ASGIApp, *, addresses: Addresses) -> None:
        self.app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = id_of(scope)
        scope["request_id"] = request_id
        seen: dict[str, Any] = {"status": SERVER_ERROR, "stream": False}

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request_id
                seen["status"] = message["status"]
                seen["stream"] = headers.get("content-type", "").encode().startswith(EVENTS)
            await send(message)

        started = time.perf_counter()
        with logs.about(request_id=request_id), meters.requests_in_flight.track_inprogress():
            try:
                await self.app(scope, receive, with_id)
            finally:
                self._ended(scope, seconds=time.perf_counter() - started, **seen)

    def _ended(self, scope: Scope, *, seconds: float, status: int, stream: bool) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"  # callers choose it, and labels are kept
        route = route_of(scope)
        meters.requests.labels(method, route, str(status)).inc()
        if not stream:
            meters.request_seconds.labels(method, route).observe(seconds)
        facts = logs.facts(
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            person_id=scope.get("person_id"),
            client=client_of(scope, self._addresses),
        )
        level = logging.WARNING if status >= SERVER_ERROR else logging.INFO
        log.log(level, "%s %s %d", method, route, status, extra=facts)


def id_of(scope: Scope) -> str:
    """Return the id that came with the request, where it looks like one, else a new one."""
    given = Headers(scope=scope).get(HEADER, "")
    return given if SANE.fullmatch(given) else secrets.token_hex(8)


def route_of(scope: Scope) -> str:
    """Return the template of the route, such as `/submissions/{submission_id}`; `none` where there is none."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(scope.get("route_template", "none"))


def client_of(scope: Scope, addresses: Addresses) -> str | None:
    """Return as much of the caller's address as may be kept: all, its network (/24 or /48), or nothing."""
    if addresses == "none" or not scope.get("client"):
        return None
    host = str(scope["client"][0])
    if addresses == "full":
        return host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a test client, or a socket file
        return None
    bits = 24 if address.version == 4 else 48  # noqa: PLR2004
    return str(ipaddress.ip_network(f"{host}/{bits}", strict=False))
