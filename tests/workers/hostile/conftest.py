"""What hostile files must not reach: a file beside them and a server; and the judgement of the worker."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.media.gate import Allowed, Kind, Refusal, refuse_bytes, refuse_extent, refuse_streams
from workers.media.probe import Unreadable, count, probe
from workers.media.sniff import NEEDED_BYTES, sniff
from workers.media.tools import Tools

SECRET = b"the canary sings"
Judge = Callable[..., str | None]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file whose time of access says whether it was opened."""
    path = tmp_path / "canary.ts"
    path.write_bytes(SECRET * 20)
    os.utime(path, ns=(0, 0))
    return path


def was_opened(canary: Path) -> bool:
    return canary.stat().st_atime_ns != 0


class Calls:
    """A server that counts who calls."""

    def __init__(self) -> None:
        self.count = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/canary.ts"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.count += 1
            connection.close()

    def any(self) -> bool:
        return self.count > 0

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._server.close()


@pytest.fixture
def calls() -> Iterator[Calls]:
    server = Calls()
    yield server
    server.close()


@pytest.fixture
def judge(tools: Tools, tmp_path: Path) -> Judge:
    """Judge a recording as the worker does; the code of its refusal, or None where it is taken."""

    def _judge(path: Path, *, kind: Kind = "video", longest_s: int = 600) -> str | None:
        answer = verdict(path, tools, tmp_path, kind=kind, longest_s=longest_s)
        return answer.code if isinstance(answer, Refusal) else answer

    return _judge


def verdict(
    path: Path, tools: Tools, scratch: Path, *, kind: Kind = "video", longest_s: int = 600
) -> Refusal | str | None:
    """Return the refusal, the code of `Unreadable`, or None."""
    allowed = Allowed(kind, longest_s * 1000, 100 << 20)
    with path.open("rb") as file:
        sniffed = sniff(file.read(NEEDED_BYTES))
    if refusal := refuse_bytes(sniffed, size_bytes=path.stat().st_size, allowed=allowed):
        return refusal
    try:
        found = probe(path, tools=tools, scratch=scratch)
        if refusal := refuse_streams(found, allowed):
            return refusal
        extent = count(path, tools=tools, scratch=scratch)
    except Unreadable as error:
        return error.code
    return refuse_extent(found, extent, allowed)
