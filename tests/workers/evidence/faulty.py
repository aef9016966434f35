"""A TCP proxy before a server that passes, refuses, breaks off or dawdles, as a test tells it."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

BLOCK = 16 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close sends a reset, as a machine that goes down does


@dataclass
class Faulty:
    """How connections fare from now on. `broken` counts those that were refused or broken off."""

    port: int
    refuse: bool = False
    break_after_bytes: int | None = None
    wait_seconds: float = 0.0
    broken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def heal(self) -> None:
        self.refuse, self.break_after_bytes, self.wait_seconds = False, None, 0.0

    def note_broken(self) -> None:
        with self.lock:
            self.broken += 1


@contextmanager
def faulty(*, to_port: int) -> Iterator[Faulty]:
    listener = socket.create_server(("127.0.0.1", 0))
    found = Faulty(listener.getsockname()[1])
    thread = threading.Thread(target=_accept, args=(listener, to_port, found), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.refuse = True
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _accept(listener: socket.socket, to_port: int, how: Faulty) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        if how.refuse:
            _break(client, how)
            continue
        server = socket.create_connection(("127.0.0.1", to_port))
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pass, args=(source, target, how), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, how: Faulty) -> None:
    passed = 0
    with suppress(OSError):  # the other direction was closed: so is this one
        while block := source.recv(BLOCK):
            time.sleep(how.wait_seconds)  # the slowness itself: no condition stands for it
            passed += len(block)
            if how.refuse or (how.break_after_bytes is not None and passed > how.break_after_bytes):
                _break(source, how)
                _break(target, how)
                return
            target.sendall(block)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def _break(end: socket.socket, how: Faulty) -> None:
    how.note_broken()
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
