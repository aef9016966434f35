"""One address in front of several: connections go in turn to the targets that answer."""

import itertools
import socket
import threading
from collections.abc import Sequence

Address = tuple[str, int]
CONNECT_SECONDS = 2.0
CHUNK = 65_536


class Balancer:
    """Listens on an address of its own and hands each connection to the next live target."""

    def __init__(self, targets: Sequence[Address], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._targets = list(targets)
        self._turn = itertools.count()
        self._open = set[socket.socket]()
        self._listener = socket.create_server((host, port), backlog=128)
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, name=f"balancer {self.port}")]
        self._threads[0].start()

    def close(self) -> None:
        """Accept nobody any more and end what is open."""
        _end(self._listener)
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def cut(self) -> None:
        """End every connection that is open; new ones are taken as before."""
        for each in list(self._open):
            _end(each)

    def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    caller, _ = self._listener.accept()
                except OSError:  # closed
                    return
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                self._threads.append(threading.Thread(target=self._serve, args=(caller,)))
                self._threads[-1].start()

    def _serve(self, caller: socket.socket) -> None:
        with caller:
            target = self._connect()
            if target is None:
                return
            with target:
                self._open |= {caller, target}
                there = threading.Thread(target=_pump, args=(caller, target))
                there.start()
                _pump(target, caller)
                there.join()
                self._open -= {caller, target}

    def _connect(self) -> socket.socket | None:
        first = next(self._turn)
        for offset in range(len(self._targets)):
            address = self._targets[(first + offset) % len(self._targets)]
            try:
                found = socket.create_connection(address, timeout=CONNECT_SECONDS)
            except OSError:  # down just now: the next one
                continue
            found.settimeout(None)
            return found
        return None


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes until one side ends; then end both."""
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
    except OSError:  # one of the two was cut
        pass
    finally:
        _end(source)
        _end(sink)


def _end(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:  # it had ended already
        return
