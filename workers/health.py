"""A small listener for supervisors and Prometheus: `/healthz`, `/readyz`, `/metrics` of this worker.

Off unless `ASSAY_WORKER_LISTEN` names a port (loopback) or an address and a port.
"""

import hmac
import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app import meters
from app.errors import Unavailable
from app.settings import Settings

log = logging.getLogger(__name__)
OK, MISSING, NOWHERE = 200, 503, 404
SILENT_SECONDS = 30.0  # signs of life come every 5 s
JSON = "application/json"
Missing = Callable[[], list[str]]


def listen(
    settings: Settings, *, missing: Missing, silent_for: Callable[[], float] = lambda: 0.0
) -> ThreadingHTTPServer | None:
    """Answer in a thread of its own; None where no address is set. Unavailable when it can't be had.

    `missing` names what keeps this worker from working, `silent_for` says for how many seconds it has shown no sign
    of life. Without a token, figures are for this machine alone.
    """
    address = settings.worker_listen
    if not address:
        return None
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        server = _Server((host, int(port)), token=settings.metrics_token, missing=_all(missing, silent_for))
    except OSError as error:
        raise Unavailable(f"ASSAY_WORKER_LISTEN: can't listen on {address}: {error.strerror}.") from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    log.info("health and figures at http://%s:%d", host, server.server_address[1])
    return server


def _all(missing: Missing, silent_for: Callable[[], float]) -> Missing:
    return lambda: [*missing(), *(["dispatcher"] if silent_for() > SILENT_SECONDS else [])]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, token: str, missing: Missing) -> None:
        super().__init__(address, _Answers)
        self.token, self.missing = token, missing


class _Answers(BaseHTTPRequestHandler):
    timeout = 5  # seconds for one request: nobody may hold a thread
    server: _Server

    def do_GET(self) -> None:  # http.server's name
        """Answer one question."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._say(OK, json.dumps({"ok": True}), JSON)
        elif path == "/readyz":
            found = self.server.missing()
            self._say(MISSING if found else OK, json.dumps({"ok": not found, "missing": found}), JSON)
        elif path == "/metrics" and self._may_read():
            self._say(OK, meters.exposition().decode(), meters.MEDIA_TYPE)
        else:
            self._say(NOWHERE, "", "text/plain")

    def _may_read(self) -> bool:
        if not self.server.token:
            return str(self.client_address[0]) in {"127.0.0.1", "::1"}
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self.server.token.encode())

    def _say(self, status: int, body: str, media_type: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        """Say nothing: supervisors ask every few seconds."""
