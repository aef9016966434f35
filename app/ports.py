"""Ports of the loopback interface: free ones for our own parts, and the one that the site listens on."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

BACKLOG = 1024


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that are free now; another program may still take one."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def listening(port: int, *, host: str = "127.0.0.1") -> socket.socket:
    """Return a socket that listens on this port, of loopback unless told otherwise. OSError when another does."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def all_free(ports: Sequence[int]) -> bool:
    """Say whether nobody listens on any of these loopback ports."""
    try:
        for port in ports:
            listening(port).close()
    except OSError:
        return False
    return True
