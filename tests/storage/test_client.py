"""What the store's refusals mean, with a store that is up and yet can't work."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.settings import Settings
from app.storage.client import Storage


class OutOfOrder(BaseHTTPRequestHandler):
    """A store whose disks are gone: it reads what is sent and answers 503."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def out_of_order() -> Iterator[Settings]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OutOfOrder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Settings(
        s3_endpoint_url=f"http://127.0.0.1:{server.server_port}", s3_access_key="nobody", s3_secret_key="nobody"
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_store_that_fails_makes_work_wait_however_it_is_written(out_of_order: Settings, tmp_path: Path) -> None:
    source = tmp_path / "made.mp4"
    source.write_bytes(b"1")
    with pytest.raises(Unavailable):
        Storage(out_of_order).put_bytes("a", b"1", media_type="video/mp4")
    with pytest.raises(Unavailable):
        Storage(out_of_order).put_file("a", source, media_type="video/mp4")
