"""The one way to fetch an address that somebody else chose (DESIGN rule 16): public hosts only, small, quick.

The name is resolved once, every address it has must be public, and the connection goes to the checked address:
a second answer of the name server can't lead us elsewhere. Redirects are not followed.
"""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, quote, urlsplit

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from app.errors import Invalid, TooMany, Unavailable
from app.web.deps import Deps

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_BYTES = 1024 * 1024
SECONDS = 5.0
OK = 200
A_MINUTE = parse("20/minute")
PORTS = {"https": 443, "http": 80}

# `is_global` says True for some of these, although they lead to private IPv4 addresses (reliability.md N1).
TUNNELS = tuple(
    ipaddress.ip_network(prefix)
    for prefix in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0/96", "::/96", "fec0::/10")
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered."""

    content: bytes
    media_type: str


class Fetcher:
    """Fetches for the people of one site, a few times a minute for each of them.

    Counted in each site process: it guards other people's hosts against us, and N sites may ask N times as often.
    """

    def __init__(
        self,
        *,
        is_allowed: Callable[[IpAddress], bool] | None = None,
        seconds: float = SECONDS,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """`trusted` names whose certificates are believed; the usual authorities without it."""
        self._is_allowed = is_allowed or is_public
        self._trusted = trusted
        self._seconds = seconds
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def fetch(self, url: str, *, on_behalf_of: str, accept: str = "application/json") -> Fetched:
        """Return what is at a public address. Raises Invalid (may not be fetched), TooMany or Unavailable."""
        parts = _split(url)
        if not self._limiter.hit(A_MINUTE, on_behalf_of):
            raise TooMany("Too many addresses were looked up. Please wait a minute.")
        address = self._resolve(parts)
        try:
            return _get(parts, address=address, accept=accept, seconds=self._seconds, trusted=self._trusted)
        except (HTTPException, OSError) as error:
            raise Unavailable("The address %(url)s does not answer.", url=url[:200]) from error

    def _resolve(self, parts: SplitResult) -> str:
        host = parts.hostname or ""
        try:
            found = socket.getaddrinfo(host, parts.port or PORTS[parts.scheme], type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unavailable("The host %(host)s is not known.", host=host[:200]) from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).split("%", 1)[0]) for entry in found]
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise Invalid("Only public addresses are looked up; %(host)s is none.", host=host[:200])
        return str(addresses[0])


def is_public(address: IpAddress) -> bool:
    """Say whether an address is on the open internet."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in TUNNELS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port, url.encode(), (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise Invalid("This is not an address.") from error
    if parts.scheme not in PORTS or not parts.hostname or parts.username or parts.password:
        raise Invalid("An address that starts with https:// is needed.")
    return parts


def _get(parts: SplitResult, *, address: str, accept: str, seconds: float, trusted: ssl.SSLContext | None) -> Fetched:
    """Ask the checked address. One timer ends it all: a server that drips would otherwise hold a thread for hours."""
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    connection = HTTPConnection(host, port)
    line = Line(socket.create_connection((address, port), timeout=seconds))
    timer = threading.Timer(seconds, line.hang_up)
    timer.daemon = True
    timer.start()
    try:
        if parts.scheme == "https":
            line.secure(host, trusted=trusted)
        connection.sock = line.socket
        headers = {"Host": _host_header(parts), "Accept": accept, "User-Agent": "Assay"}
        connection.request("GET", _target(parts), headers=headers)
        answer = connection.getresponse()
        if answer.status != OK:
            raise Unavailable("The address answered with the status %(status)s.", status=answer.status)
        content = answer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise Invalid("What is at this address is larger than 1 MiB.")
        if line.is_late.is_set():  # what was read until then looks like a whole, short answer
            raise Unavailable("The address takes too long to answer.")
        return Fetched(content, answer.headers.get("content-type", ""))
    finally:
        timer.cancel()
        connection.close()
        line.socket.close()


class Line:
    """A connection that can be cut from another thread, at any moment of its life."""

    def __init__(self, plain: socket.socket) -> None:
        self.socket = plain
        self.is_late = threading.Event()

    def secure(self, host: str, *, trusted: ssl.SSLContext | None) -> None:
        """Speak TLS with the checked address, and ask for the certificate of the name.

        `wrap_socket` takes the plain socket's place at once, so that a slow handshake can be cut too.
        """
        context = trusted or ssl.create_default_context()
        secured = context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        self.socket = secured
        if self.is_late.is_set():  # cut in the moment between the two sockets
            raise TimeoutError
        secured.do_handshake()

    def hang_up(self) -> None:
        """End it: whoever waits for an answer gets none."""
        self.is_late.set()
        with contextlib.suppress(OSError):  # it ended by itself a moment before
            # The plain method: that of TLS would take its state away from under the thread that reads.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


def _host_header(parts: SplitResult) -> str:
    if parts.netloc.isascii():
        return parts.netloc
    host = (parts.hostname or "").encode("idna").decode()
    return f"{host}:{parts.port}" if parts.port else host


def _target(parts: SplitResult) -> str:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(path, safe="/%?#[]@!$&'()*+,;=:~")


def fetcher_of(deps: Deps) -> Fetcher:
    """Return the one fetcher of a site: its limits count over all requests."""
    fetcher: Fetcher = deps.services.setdefault("fetcher", Fetcher())
    return fetcher
