"""`assay up` as people run it: real processes, real signals."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from app.ports import free_ports, listening
from app.storage import embedded
from tests.cli.running import Shell, children

pytestmark = pytest.mark.journey


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    for pid in children(tmp_path):  # only what a failed test left
        os.kill(pid, signal.SIGKILL)


def test_ctrl_c_stops_every_part_and_a_new_start_continues(shell: Shell, tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    first = shell.start("up", "--port", port, "--workers", "0")
    address = shell.address(first)
    assert address == f"http://127.0.0.1:{port}"
    assert urllib3.request("GET", f"{address}/healthz").status == 200
    shell.assay("org", "add", "--code", "bank", "--name", "Bank")
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0
    assert children(tmp_path) == []
    second = shell.start("up", "--port", port, "--workers", "0")
    shell.address(second)
    assert shell.assay("org", "add", "--code", "bank", "--name", "Bank").returncode == 2
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_works(shell: Shell, tmp_path: Path) -> None:
    first = shell.start("up", "--port", "0", "--workers", "0")
    address = shell.address(first)
    assert len(children(tmp_path)) >= 3
    first.kill()
    first.wait()
    assert embedded.wait_for(lambda: children(tmp_path) == [], 10)
    second = shell.start("up", "--port", "0", "--workers", "0")
    assert shell.address(second) == address
    assert urllib3.request("GET", f"{shell.address(second)}/readyz", retries=False).status in {200, 503}
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0


def test_a_killed_part_comes_back(shell: Shell, tmp_path: Path) -> None:
    up = shell.start("up", "--port", "0", "--workers", "0")
    address = shell.address(up)
    server = embedded.find(tmp_path)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    assert embedded.wait_for(lambda: (now := embedded.find(tmp_path)) is not None and now.pid != server.pid, 60)
    for pid in [pid for pid in children(tmp_path) if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]:
        os.kill(pid, signal.SIGKILL)
    answer = urllib3.request("GET", f"{address}/healthz", timeout=30, retries=False)  # the socket outlives the site
    assert answer.status == 200
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0


def test_a_port_in_use_and_a_folder_in_use_are_sentences(shell: Shell, tmp_path: Path) -> None:
    up = shell.start("up", "--port", "0", "--workers", "0")
    shell.address(up)
    again = shell.assay("up", "--port", "0")
    assert (again.returncode, f"process {up.pid}" in again.stderr) == (2, True)
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0
    with listening(0) as taken:
        port = taken.getsockname()[1]
        refused = shell.assay("up", "--port", str(port))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"Port {port} is in use" in refused.stderr
