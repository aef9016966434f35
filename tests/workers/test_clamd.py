"""The client of clamd, against a real one: only an explicit OK is clean."""

import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.workers.clamav import STREAM_BYTES, Daemon, clamd
from workers.clamd import Clamd, ScannerDown, eicar
from workers.doctor import check_scanner


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with clamd() as started:
        yield started


def test_what_is_harmful_has_a_name_and_what_is_clean_has_none(daemon: Daemon) -> None:
    scanner = Clamd(daemon.address)
    assert scanner.scan(io.BytesIO(b"a talk about fire safety" * 50_000)) is None
    assert scanner.scan(io.BytesIO(b"")) is None
    assert str(scanner.scan(io.BytesIO(eicar()))).startswith("Test-")
    hidden = bytes(600_000) + eicar() + bytes(600_000)
    assert str(scanner.scan(io.BytesIO(hidden))).startswith("Test-Bytes")
    assert scanner.version().startswith("ClamAV")


def test_a_file_that_it_does_not_scan_whole_is_not_clean(daemon: Daemon) -> None:
    scanner = Clamd(daemon.address)
    for size in (STREAM_BYTES * 3 // 4, STREAM_BYTES * 4):
        with pytest.raises(ScannerDown, match=r"Heuristics.Limits|size limit"):
            scanner.scan(io.BytesIO(bytes(size)))


def test_a_scanner_that_is_not_there_is_no_verdict(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (str(tmp_path / "none"), f"127.0.0.1:{port}"):
        with pytest.raises(ScannerDown, match="virus scanner at"):
            Clamd(address).scan(io.BytesIO(b"x"))


@pytest.mark.parametrize("answer", [b"", b"stream: OK ERROR\0", b"stream: scan failed ERROR\0", b"OK\0", b"stream: OK"])
def test_every_other_answer_is_no_verdict(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def say() -> None:
            connection, _ = server.accept()
            with connection:
                while not connection.recv(1 << 16).endswith(bytes(4)):
                    pass
                connection.sendall(answer)

        thread = threading.Thread(target=say)
        thread.start()
        with pytest.raises(ScannerDown):
            Clamd(f"127.0.0.1:{server.getsockname()[1]}").scan(io.BytesIO(b"x" * 10))
        thread.join()


def test_a_verdict_on_a_part_of_a_file_is_none(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "clamd"))
        server.listen()

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(1)
            connection.sendall(b"stream: OK\0")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ScannerDown, match="stream: OK"):
            Clamd(str(tmp_path / "clamd")).scan(io.BytesIO(bytes(8 << 20)))
        thread.join()


def test_the_doctor_tries_it(daemon: Daemon, tmp_path: Path) -> None:
    tried = check_scanner(Settings(data_dir=tmp_path, clamd_socket=daemon.address))
    assert (tried.state, tried.detail.split()[0]) == ("ok", "ClamAV")
    unset = check_scanner(Settings(data_dir=tmp_path))
    assert (unset.state, unset.detail) == ("warn", "not set")
