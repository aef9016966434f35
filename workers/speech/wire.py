"""JSON messages, one a line, over the socket between the worker and its speech child."""

import json
import socket
from time import monotonic
from typing import Any

Message = dict[str, Any]


class Closed(Exception):
    """The other side has gone."""


class Wire:
    """One end of the socket. Sending and reading may happen in two threads, reading in one only."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""

    def send(self, message: Message) -> None:
        """Send one message. Raises Closed."""
        try:
            self._end.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Closed from error

    def read(self, *, within_s: float | None = None) -> Message:
        """Wait for one message. Raises Closed, or TimeoutError after so many seconds."""
        until = None if within_s is None else monotonic() + within_s
        while b"\n" not in self._rest:
            self._rest += self._receive(until)
        line, _, self._rest = self._rest.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def close(self) -> None:
        """Close this end: the other side sees it."""
        self._end.close()

    def _receive(self, until: float | None) -> bytes:
        if until is not None:
            self._end.settimeout(max(until - monotonic(), 0.001))
        try:
            data = self._end.recv(65536)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data
