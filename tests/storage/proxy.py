"""A small reverse proxy that takes a path prefix away and keeps the host name, as nginx does for a storage."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

HOP = frozenset({"connection", "transfer-encoding", "keep-alive"})


@contextmanager
def proxy(*, to_port: int, prefix: str) -> Iterator[str]:
    """Give the address under which browsers see the storage behind it, prefix included."""

    class Passing(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            assert self.path.startswith(prefix)
            behind = http.client.HTTPConnection("127.0.0.1", to_port, timeout=20)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            behind.request(self.command, self.path.removeprefix(prefix), body or None, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            behind.close()

        do_GET = do_PUT = do_OPTIONS = pass_on  # noqa: N815  # names that http.server asks for

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
