"""`assay serve`: several processes behind one port, what happens when one is killed, how it ends."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from app.db.engine import make_engine
from app.ports import free_ports
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage.embedded import wait_for
from tests.cli.running import Shell

HTTP = urllib3.PoolManager(retries=False, timeout=20)


class Site:
    """A started `assay serve`."""

    def __init__(self, shell: Shell, *arguments: str, **env: str) -> None:
        (self.port,) = free_ports(1)
        self.shell = shell
        storage = {"ASSAY_S3_ENDPOINT_URL": "http://localhost:9"}
        self.process = shell.start("serve", "--port", str(self.port), *arguments, **storage, **env)

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        # a connection of its own: the kernel gives each to one of the processes
        headers = {"Connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return HTTP.request("GET", f"http://127.0.0.1:{self.port}{path}", headers=headers)

    def answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def counted(self, route: str) -> float:
        line = f'assay_requests_total{{method="GET",route="{route}",status="200"}} '
        text = self.get("/metrics").data.decode()
        return sum(float(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line))

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def log(self) -> str:
        return self.shell.said.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def shell(tmp_path: Path, settings: Settings) -> Shell:
    engine = make_engine(settings.database)
    migrate(engine)
    engine.dispose()
    return Shell(tmp_path)


@pytest.fixture
def two(shell: Shell, settings: Settings) -> Iterator[Site]:
    site = Site(shell, "--workers", "2", ASSAY_DATABASE_URL=settings.database)
    try:
        assert wait_for(lambda: site.log().count("Application startup complete") == 2, 60), site.log()
        yield site
    finally:
        if site.process.poll() is None:
            site.process.kill()
            site.process.wait()


def test_a_killed_process_is_replaced_and_a_signal_ends_all_in_order(two: Site):
    first, second = two.children()
    shared = Path(first.environ()["PROMETHEUS_MULTIPROC_DIR"])
    counts = [shared / f"histogram_{child.pid}.db" for child in (first, second)]
    assert wait_for(lambda: two.answers() and all(each.exists() for each in counts), 20)  # both have answered
    for _ in range(20):
        two.get("/sign-in")
    assert two.counted("/sign-in") == 20  # whichever of them is asked
    first.kill()
    assert wait_for(lambda: len(two.children()) == 2 and first not in two.children(), 60)
    assert two.answers()
    assert two.counted("/sign-in") == 20  # what the killed one had counted stays counted
    assert second in two.children()
    children = two.children()
    assert two.stop() == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_ctrl_c_lets_a_request_finish_and_the_log_tells_who_called(shell: Shell, settings: Settings):
    site = Site(shell, ASSAY_LOG_FORMAT="json", ASSAY_DATABASE_URL=settings.database)
    assert wait_for(site.answers, 60), site.log()
    site.get("/sign-in?next=/secret", X_Forwarded_For="203.0.113.7", X_Request_Id="from-the-proxy-1")
    with socket.create_connection(("127.0.0.1", site.port)) as slow:
        slow.sendall(b"POST /api/v1/verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n")
        slow.sendall(b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 100")  # the site has begun to read the body
        site.process.send_signal(signal.SIGINT)
        assert wait_for(lambda: "Shutting down" in site.log(), 20)
        with pytest.raises(OSError, match=r"refused"):
            socket.create_connection(("127.0.0.1", site.port), timeout=5)
        slow.sendall(b"{}")
        assert slow.recv(100).startswith(b"HTTP/1.1 4")  # an answer, not a broken line
    assert site.process.wait(timeout=20) == 0
    line = json.loads(
        next(line for line in site.log().splitlines() if "from-the-proxy-1" in line and '"route"' in line)
    )
    assert (line["route"], line["status"], line["client"]) == ("/sign-in", 200, "203.0.113.0/24")
    assert "secret" not in site.log()


def test_a_port_in_use_is_one_sentence(shell: Shell):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = shell.assay("serve", "--port", str(other.getsockname()[1]), ASSAY_S3_ENDPOINT_URL="http://localhost:9")
    assert done.returncode == 2
    assert "can't listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_everybody_can_not_be_trusted(shell: Shell):
    done = shell.assay("serve", ASSAY_TRUSTED_PROXIES="*")
    assert done.returncode == 2
    assert "ASSAY_TRUSTED_PROXIES" in done.stderr
