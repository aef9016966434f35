"""Several machines: sites and workers with nothing in common but PostgreSQL, an S3 service and the signing keys.

As root on Linux each machine has a network namespace of its own, joined by a bridge; otherwise machines are processes
with data folders of their own. Database and storage stand outside; machines reach them by the bridge's address.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from sqlalchemy.engine import make_url

from app.ports import free_ports
from app.storage import embedded
from tests import postgres, warm
from tests.journeys.balancer import Balancer
from tests.journeys.mortal import Mortal
from tests.journeys.running import POOL, Running, environment_for, wait_for

LOOPBACK = "127.0.0.1"
SITE_PORT = 8000
READY_SECONDS = 90


@dataclass
class Machine:
    """A machine of its own: data folder, address, and what runs on it."""

    name: str
    address: str
    namespace: str | None
    environment: dict[str, str]
    running: list[Mortal] = field(default_factory=list)

    def start(self, *arguments: str) -> Mortal:
        """Start a command of `assay` here."""
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        log = Path(self.environment["ASSAY_DATA_DIR"]) / "log"
        with log.open("ab") as output:
            command = [*inside, sys.executable, "-m", "app", *arguments]
            made = Mortal(subprocess.Popen(command, env=self.environment, stdout=output, stderr=output))
        self.running.append(made)
        return made

    @property
    def log(self) -> str:
        """All that its processes wrote."""
        return (Path(self.environment["ASSAY_DATA_DIR"]) / "log").read_text()

    def cut(self) -> None:
        """Take the machine off the network without a word to anybody: packets are lost, connections stay open."""
        self._link("down")

    def join(self) -> None:
        """Put the machine back on the network."""
        self._link("up")

    def _link(self, state: str) -> None:
        assert self.namespace is not None
        _ip("link", "set", f"v{self.namespace}", state)


@dataclass
class Cluster(Running):
    """Machines around one database and one storage. `base` is one address for all sites."""

    sites: list[Machine] = field(default_factory=list)
    workers: list[Machine] = field(default_factory=list)

    def stop(self) -> int:
        """End whatever still runs."""
        self.forget_database()
        for machine in (*self.workers, *self.sites):
            for each in machine.running:
                each.stop()
        return 0


def can_have_namespaces() -> bool:
    """Say whether machines can get networks of their own here."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"try{uuid.uuid4().hex[:6]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "del", name)
    return made


@contextmanager
def cluster(
    folder: Path, server: postgres.Server, *, sites: int = 2, workers: Sequence[str] = ("media,speech,quick",) * 4
) -> Iterator[Cluster]:
    """Run this many sites, and a worker for each list of queues, each on a machine of its own."""
    with ExitStack() as stack:
        network = stack.enter_context(_network(sites + len(workers)))
        storage = embedded.start(folder / "outside", origin="http://127.0.0.1")
        stack.callback(embedded.stop, storage)
        url = make_url(server.make_empty())
        stack.callback(server.drop, url.render_as_string(hide_password=False))
        reached = network.reached(stack, url.host or LOOPBACK, url.port or 5432)
        known = _settings(
            folder, network.reached(stack, LOOPBACK, urlsplit(storage.server.endpoint_url).port or 0), storage
        )
        known["ASSAY_DATABASE_URL"] = url.set(host=reached[0], port=reached[1]).render_as_string(hide_password=False)
        ports = [SITE_PORT] * sites if network.bridge else free_ports(sites)
        front = Balancer([(network.address(n), port) for n, port in enumerate(ports)])
        stack.callback(front.close)
        known["ASSAY_BASE_URL"] = f"http://{LOOPBACK}:{front.port}"
        made = warm.assay("init", env=environment_for(folder / "outside", **known))
        assert made.returncode == 0, made.stderr
        (folder / "logs").mkdir()
        machines = [network.machine(folder, number, known) for number in range(sites + len(workers))]
        environment = environment_for(folder / "outside", **known)
        here = Cluster(
            folder,
            known["ASSAY_BASE_URL"],
            process=None,
            environment=environment,
            sites=machines[:sites],
            workers=machines[sites:],
        )
        stack.callback(here.stop)
        for machine, port in zip(here.sites, ports, strict=True):
            machine.start("serve", "--host", machine.address, "--port", str(port))
        for machine, queues in zip(here.workers, workers, strict=True):
            machine.start("work", "--queues", queues)
        for machine, port in zip(here.sites, ports, strict=True):
            wait_for(lambda m=machine, p=port: _answers(m, p), seconds=READY_SECONDS, what=f"{machine.name} to answer")
        yield here


def _settings(folder: Path, storage_at: tuple[str, int], storage: embedded.Started) -> dict[str, str]:
    where = "http://{}:{}".format(*storage_at)
    known = embedded.addresses(storage.server) | {"s3_endpoint_url": where, "s3_public_url": where}
    return {f"ASSAY_{name.upper()}": value for name, value in known.items()} | {
        "ASSAY_SIGNING_KEY_DIR": str(folder / "keys")  # mounted on every machine
    }


def _answers(machine: Machine, port: int) -> bool | None:
    assert machine.running[0].process.poll() is None, machine.log
    try:
        host = {"Host": urlsplit(machine.environment["ASSAY_BASE_URL"]).netloc}
        return POOL.request("GET", f"http://{machine.address}:{port}/healthz", headers=host).status == 200 or None
    except urllib3.exceptions.HTTPError:
        return None


# --- the network


@dataclass
class Network:
    """A bridge with one namespace for each machine; without `bridge`, all of them on the loopback."""

    bridge: str | None
    part: int = 0
    names: list[str] = field(default_factory=list)

    def address(self, number: int) -> str:
        """Return the address of a machine."""
        return f"10.77.{self.part}.{number + 2}" if self.bridge else LOOPBACK

    def reached(self, stack: ExitStack, host: str, port: int) -> tuple[str, int]:
        """Make something outside reachable for all machines, and return its address for them."""
        if not self.bridge:
            return host, port
        way = Balancer([(host, port)], host=f"10.77.{self.part}.1")
        stack.callback(way.close)
        return way.host, way.port

    def machine(self, folder: Path, number: int, known: dict[str, str]) -> Machine:
        """Make a machine."""
        data = folder / f"machine-{number}"
        data.mkdir()
        name = self.names[number] if self.bridge else None
        return Machine(f"machine {number}", self.address(number), name, environment_for(data, **known))


@contextmanager
def _network(machines: int) -> Iterator[Network]:
    if not can_have_namespaces():
        yield Network(None)
        return
    mark = uuid.uuid4()
    made = Network(f"br{mark.hex[:6]}", mark.int % 250, [f"{mark.hex[:6]}{number}" for number in range(machines)])
    assert made.bridge is not None
    with ExitStack() as stack:
        _ip("link", "add", made.bridge, "type", "bridge")
        stack.callback(_ip, "link", "del", made.bridge)
        _ip("addr", "add", f"10.77.{made.part}.1/24", "dev", made.bridge)
        _ip("link", "set", made.bridge, "up")
        for number, name in enumerate(made.names):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"v{name}", "master", made.bridge, "up")
            _ip("-n", name, "addr", "add", f"{made.address(number)}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield made


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
