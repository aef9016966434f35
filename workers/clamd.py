"""A client of ClamAV's daemon: INSTREAM, PING, VERSION (clamd(8)). Nothing but an explicit OK counts as clean."""

import codecs
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from app.errors import Unavailable

CHUNK_BYTES = 1 << 18
CONNECT_SECONDS = 10
ANSWER_SECONDS = 180  # clamd itself gives up after 120 s (MaxScanTime)
ANSWER_BYTES = 4096
NOT_SCANNED_WHOLE = "Heuristics.Limits.Exceeded"  # what AlertExceedsMax says of a file beyond clamd's limits
# The test file of eicar.org, which every scanner knows. Written so that no scanner takes this source for it.
_EICAR = r"K5B!C%@NC[4\CMK54(C^)7PP)7}$RVPNE-FGNAQNEQ-NAGVIVEHF-GRFG-SVYR!$U+U*"


class ScannerDown(Unavailable):
    """The scanner can't be reached or gave no verdict: the file waits."""

    default_code = "scanner-down"


def eicar() -> bytes:
    """Return the harmless file that scanners must find."""
    return codecs.decode(_EICAR, "rot13").encode()


@dataclass(frozen=True, slots=True)
class Clamd:
    """A daemon at a socket's path, or at `host:port`."""

    address: str

    def version(self) -> str:
        """Return what it calls itself, with the age of its signatures. Raises ScannerDown."""
        return self._ask(b"VERSION")

    def ping(self) -> None:
        """Raise ScannerDown unless it answers."""
        if (answer := self._ask(b"PING")) != "PONG":
            raise self._down(f"it answered {answer!r}")

    def scan(self, file: IO[bytes], *, tell: Callable[[int], None] = lambda _done: None) -> str | None:
        """Return the name of what was found, None for clean. `tell` gets the bytes sent. Raises ScannerDown."""
        try:
            with self._connected() as connection:
                is_whole = _send(connection, file, tell)
                answer = _answer(connection)
        except OSError as error:
            raise self._down(str(error)) from error
        if is_whole and answer == "stream: OK":
            return None
        found = answer.removeprefix("stream: ").removesuffix(" FOUND")
        if not answer.endswith(" FOUND") or found.startswith(NOT_SCANNED_WHOLE):
            raise self._down(f"it answered {answer!r}")
        return found

    def _ask(self, word: bytes) -> str:
        try:
            with self._connected() as connection:
                connection.sendall(b"z%s\0" % word)
                return _answer(connection)
        except OSError as error:
            raise self._down(str(error)) from error

    def _connected(self) -> socket.socket:
        if not self.address.startswith("/"):
            host, _, port = self.address.rpartition(":")
            connection = socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS)
        else:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(CONNECT_SECONDS)
            try:
                connection.connect(self.address)
            except OSError:
                connection.close()
                raise
        connection.settimeout(ANSWER_SECONDS)
        return connection

    def _down(self, reason: str) -> ScannerDown:
        return ScannerDown(f"The virus scanner at {self.address}: {reason}")


def _send(connection: socket.socket, file: IO[bytes], tell: Callable[[int], None]) -> bool:
    """Send a file in chunks with their lengths before them, and say whether all of it went.

    clamd hangs up on one that is too large for it.
    """
    done = 0
    try:
        connection.sendall(b"zINSTREAM\0")
        while chunk := file.read(CHUNK_BYTES):
            connection.sendall(len(chunk).to_bytes(4) + chunk)
            done += len(chunk)
            tell(done)
        connection.sendall(bytes(4))
    except (BrokenPipeError, ConnectionResetError):
        return False  # why is in the answer
    return True


def _answer(connection: socket.socket) -> str:
    """Return the answer, which a zero closes; what was cut off is marked, so that it is no verdict."""
    said = b""
    while not said.endswith(b"\0") and len(said) < ANSWER_BYTES:
        if not (more := connection.recv(ANSWER_BYTES)):
            break
        said += more
    text = said.rstrip(b"\0").decode(errors="replace").strip()
    return text if said.endswith(b"\0") else f"{text} ..."
