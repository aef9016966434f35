"""JSON messages, one a line, over the socket between the worker and its speech child."""

import json
import socket
from time import monotonic
from typing import Any

Message = dict[str, Any]
RECEIVED_BYTES = 1 << 16
MOST_BYTES = 64 << 20  # of one message; the plan of a recording of ten hours has less than one of these MiB


class Closed(Exception):
    """The other side has gone."""


class Nonsense(Exception):
    """The other side says what is no message: it is broken, or no longer what we started."""


class Wire:
    """One end of the socket. Sending and reading may happen in two threads, reading in one only."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = bytearray()

    def send(self, message: Message) -> None:
        """Send one message. Raises Closed."""
        try:
            self._end.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Closed from error

    def read(self, *, within_s: float | None = None) -> Message:
        """Wait for one message. Raises Closed, Nonsense, or TimeoutError after so many seconds."""
        until = None if within_s is None else monotonic() + within_s
        looked_at = 0
        while (end := self._rest.find(b"\n", looked_at)) < 0:
            looked_at = len(self._rest)
            if looked_at > MOST_BYTES:
                raise Nonsense("a message without end")
            self._rest += self._receive(until)
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return _message(line)

    def close(self) -> None:
        """Close this end: the other side sees it."""
        self._end.close()

    def _receive(self, until: float | None) -> bytes:
        if until is not None:
            self._end.settimeout(max(until - monotonic(), 0.001))
        try:
            data = self._end.recv(RECEIVED_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        return data


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Nonsense(str(error)) from error
    if not isinstance(message, dict):
        raise Nonsense("a message that is no object")
    return message


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")  # and no database would take it
