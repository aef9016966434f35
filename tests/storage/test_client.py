"""What the store's refusals mean, with a store that is up and yet can't work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.settings import Settings
from app.storage.client import Storage, StoredPart


class OutOfOrder(BaseHTTPRequestHandler):
    """A store whose disks are gone, or full: it reads what is sent and answers with a status of 5xx."""

    status = 503

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET = do_PUT  # noqa: N815  # names that http.server asks for

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class Full(OutOfOrder):
    """A store without room."""

    status = 507


@contextmanager
def serving(kind: type[OutOfOrder]) -> Iterator[Storage]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield Storage(Settings(s3_endpoint_url=address, s3_access_key="nobody", s3_secret_key="nobody"))
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_store_that_fails_makes_work_wait_however_it_is_written(tmp_path: Path) -> None:
    source = tmp_path / "made.mp4"
    source.write_bytes(b"1")
    with serving(OutOfOrder) as storage:
        with pytest.raises(Unavailable):
            storage.put_bytes("a", b"1", media_type="video/mp4")
        with pytest.raises(Unavailable):
            storage.put_file("a", source, media_type="video/mp4")


def test_a_store_that_is_full_makes_work_wait_too(tmp_path: Path) -> None:
    source = tmp_path / "made.mp4"
    source.write_bytes(b"1")
    with serving(Full) as storage:
        with pytest.raises(Unavailable):
            storage.put_file("a", source, media_type="video/mp4")
        with pytest.raises(Unavailable):
            storage.complete_upload("a", upload_id="1", parts=[StoredPart(1, 5, '"etag"')])
