"""Security headers on every answer, the host check, and the same-origin check of unsafe requests (ASVS 3.4, 3.5).

CSRF: an unsafe request that carries a session cookie must come from our own pages: `Sec-Fetch-Site` says
same-origin or none, or `Origin` is our own. Requests with a bearer token are exempt: no browser adds one by itself.
"""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import LOOPBACK, Settings
from app.storage.connection import browser_origin

HASHER = "/static/dist/hasher.js"  # a worker of the browser: its own answer says what it may do
WITH_WASM = "script-src 'self' 'wasm-unsafe-eval'"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def content_security_policy(settings: Settings) -> str:
    """Return the policy: everything from ourselves, media and uploads from the storage, nothing inline."""
    storage = browser_origin(settings)
    return "; ".join(
        [
            "default-src 'self'",
            f"connect-src 'self' {storage}".strip(),
            f"media-src 'self' blob: {storage}".strip(),
            f"img-src 'self' data: blob: {storage}".strip(),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def is_cross_site(request: Request, settings: Settings) -> bool:
    """Say whether an unsafe request with a cookie comes from somewhere else than our own pages."""
    if request.method in SAFE_METHODS:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or origin not in {
        origin_of(settings.base_url),
        f"{request.url.scheme}://{request.url.netloc}",
    }


class SecurityHeaders:
    """ASGI middleware: refuses foreign Host headers (400) and adds the security headers."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        self.policy = content_security_policy(settings)
        self.hosts = LOOPBACK | {(urlsplit(settings.base_url).hostname or "").lower()}
        self.secure = settings.secure
        # Prometheus calls by the address of a machine; whoever has the token is no page of a stranger.
        self.by_token = frozenset({"/metrics"} if settings.metrics_token else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._host(scope) not in self.hosts and scope["path"] not in self.by_token:
            await _refuse_host(send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self.app(scope, receive, with_headers)

    def _host(self, scope: Scope) -> str:
        raw = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        return raw.rsplit(":", 1)[0] if raw.rsplit(":", 1)[-1].isdigit() else raw

    def _add(self, headers: MutableHeaders, path: str) -> None:
        headers.setdefault("Content-Security-Policy", f"{self.policy}; {WITH_WASM}" if path == HASHER else self.policy)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), display-capture=(), geolocation=()")
        headers.setdefault("Cache-Control", "no-store")
        if self.secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


async def _refuse_host(send: Send) -> None:
    body = b'{"type":"about:blank","title":"Bad request","status":400,"code":"unknown-host"}'
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
