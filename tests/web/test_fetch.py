"""Fetching addresses that somebody else chose: only public ones, small, quick, no redirects."""

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.errors import Invalid, TooMany, Unavailable
from app.web import fetch
from app.web.fetch import Fetcher, is_public


class Answers(BaseHTTPRequestHandler):
    """A real server on loopback; the path says what it does."""

    def do_GET(self):
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/")
            self.end_headers()
            return
        body = (
            b"x" * (fetch.MAX_BYTES + 1) if self.path == "/large" else b'{"host": "%s"}' % self.headers["Host"].encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def open_fetcher():
    """One that may also speak to the test's own server."""
    return Fetcher(is_allowed=lambda address: address.is_loopback)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::1",
    ],
)
def test_private_addresses_in_every_disguise_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_on_the_open_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://example.org/",
        "https://user:secret@example.org/",
        "https://",
        "//example.org",
        "http://example.org:99999/",
        "not an address",
        "https://\ud800.example.org/",
        "https://example.org/\ud800",
    ],
)
def test_what_is_no_public_address_is_refused(url):
    with pytest.raises(Invalid):
        Fetcher().fetch(url, on_behalf_of="test")


def test_answer_comes_back_with_its_type_and_the_host_was_named(site, open_fetcher):
    found = open_fetcher.fetch(f"{site}/a", on_behalf_of="test")
    assert found.content == b'{"host": "%s"}' % site.removeprefix("http://").encode()
    assert found.media_type == "application/json"


def test_redirects_are_not_followed_and_large_answers_not_read(site, open_fetcher):
    with pytest.raises(Unavailable, match="302"):
        open_fetcher.fetch(f"{site}/redirect", on_behalf_of="test")
    with pytest.raises(Invalid, match="1 MiB"):
        open_fetcher.fetch(f"{site}/large", on_behalf_of="test")


def test_server_that_drips_is_hung_up_on():
    hasty = Fetcher(is_allowed=lambda address: address.is_loopback, seconds=0.4)
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"X-Slow: yes\r\n")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(Unavailable):
        hasty.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", on_behalf_of="test")
    stop.set()
    thread.join()
    listener.close()


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate for localhost and return the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


def test_server_that_drips_through_tls_is_hung_up_on(certificate):
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    hasty = Fetcher(
        is_allowed=lambda address: address.is_loopback,
        seconds=0.4,
        trusted=ssl.create_default_context(cafile=certificate),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    hung_up = threading.Event()

    def drip():
        plain, _ = listener.accept()
        with server_side.wrap_socket(plain, server_side=True) as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            for _ in range(100):
                try:
                    connection.sendall(b"x")
                except OSError:
                    hung_up.set()
                    return
                threading.Event().wait(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    with pytest.raises(Unavailable):
        hasty.fetch(f"https://localhost:{listener.getsockname()[1]}/", on_behalf_of="test")
    thread.join()
    listener.close()
    assert hung_up.is_set()


def test_addresses_in_any_script_are_asked_for(site, open_fetcher):
    found = open_fetcher.fetch(f"{site}/شهادة?لغة=ar", on_behalf_of="test")
    assert found.media_type == "application/json"


def test_host_that_nobody_answers_for_is_said(open_fetcher):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="does not answer"):
        open_fetcher.fetch(f"http://127.0.0.1:{port}/", on_behalf_of="test")


def test_one_person_looks_up_so_many_a_minute(site, open_fetcher):
    for _ in range(20):
        open_fetcher.fetch(f"{site}/a", on_behalf_of="somebody")
    with pytest.raises(TooMany):
        open_fetcher.fetch(f"{site}/a", on_behalf_of="somebody")
    open_fetcher.fetch(f"{site}/a", on_behalf_of="somebody else")
