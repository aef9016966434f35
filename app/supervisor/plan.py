"""What runs on one machine: storage first, then the site and the worker, and how each is started."""

import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import urllib3

import app
from app.db.engine import make_engine
from app.errors import Conflict, Unavailable
from app.jobs.presence import live_workers, machine
from app.ports import listening
from app.settings import Settings
from app.storage import embedded, weed
from app.supervisor.parts import Part, spawn
from app.supervisor.watch import Supervisor

SITE_STOP_SECONDS = 14.0  # it ends by itself after 12: requests under way are finished
WORKER_STOP_SECONDS = 12.0  # jobs under way are put back, not lost: leases
PROBE_TIMEOUT = urllib3.Timeout(total=2)
HTTP = urllib3.PoolManager(retries=False, timeout=PROBE_TIMEOUT)


@dataclass(slots=True)
class Plan:
    """The parts of one machine. The listening socket is ours, so that a restarted site loses no caller."""

    settings: Settings
    listener: socket.socket
    workers: int
    supervisor: Supervisor
    _ports: list[int] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        """Where each part writes."""
        return self.settings.data_dir.absolute() / "logs"

    def storage(self) -> list[Part]:
        """Return the embedded storage; nothing where an S3 service is set."""
        if self.settings.s3_endpoint_url:
            return []
        return [Part("storage", self._start_storage, lambda: True, self.logs / "storage.log", embedded.STOP_SECONDS)]

    def site_and_worker(self) -> list[Part]:
        """Return the site, and the worker unless none is wanted."""
        site = Part("site", self._start_site, self._site_answers, self.logs / "site.log", SITE_STOP_SECONDS)
        worker = Part("worker", self._start_worker, self._worker_lives, self.logs / "worker.log", WORKER_STOP_SECONDS)
        return [site, worker] if self.workers else [site]

    def clean(self) -> None:
        """Remove what stopped parts leave in the machine's temporary folder."""
        weed.remove_sockets(self._ports)

    def _start_storage(self) -> Popen[bytes]:
        """Start the storage server; when it had to take other ports, site and worker start again to learn them."""
        started = embedded.start(
            self.settings.data_dir,
            origin=self.settings.base_url,
            bucket=self.settings.s3_bucket,
            region=self.settings.s3_region,
            log=_made(self.logs / "storage.log"),
            give_up=lambda: self.supervisor.stopping,
        )
        if self._ports and self._ports != started.server.ports:
            self.supervisor.ask_to_restart("site")
            self.supervisor.ask_to_restart("worker")
        self._ports = started.server.ports
        return started.process

    def _start_site(self) -> Popen[bytes]:
        number = self.listener.fileno()
        command = python("app", "serve", "--fd", str(number))
        return spawn(command, env=child_environment(self.settings), log=self.logs / "site.log", pass_fds=(number,))

    def _start_worker(self) -> Popen[bytes]:
        command = python("workers", *(["--concurrency", str(self.workers)] if self.workers > 1 else []))
        return spawn(command, env=child_environment(self.settings), log=self.logs / "worker.log")

    def _site_answers(self) -> bool:
        return site_answers(self.listener)

    def _worker_lives(self) -> bool:
        engine = make_engine(self.settings.database)
        try:
            return any(worker.machine == machine() for worker in live_workers(engine))
        except Unavailable:
            return False
        finally:
            engine.dispose()


def site_answers(listener: socket.socket) -> bool:
    """Say whether a site answers on this socket."""
    host, port = listener.getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    try:
        return HTTP.request("GET", f"http://{here}:{port}/healthz").status == 200  # noqa: PLR2004
    except urllib3.exceptions.HTTPError:
        return False


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of our children: the settings that we were given by options go on as variables."""
    ours = {"ASSAY_DATA_DIR": str(settings.data_dir.absolute()), "ASSAY_BASE_URL": settings.base_url}
    if settings.demo:
        ours["ASSAY_DEMO"] = "true"
    return {**os.environ, **ours, "PYTHONPATH": import_path(), "PYTHONUNBUFFERED": "1"}


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs one of our packages, whatever lies in the present folder (`-P`)."""
    return [sys.executable, "-P", "-m", module, *arguments]


def import_path() -> str:
    """Return PYTHONPATH for our children: from a checkout that is not installed they find our packages too."""
    ours = Path(app.__file__).parent.parent
    before = os.environ.get("PYTHONPATH", "")
    return before if "site-packages" in ours.parts else os.pathsep.join(filter(None, [str(ours), before]))


def take_port(port: int, *, memory: Path) -> socket.socket:
    """Return the socket that the site will answer on. Raises Conflict when the port is in use.

    0 = the port of the last start where it is free, so that links and credentials stay valid, else any free one.
    """
    try:
        listener = listening(port) if port else _last_or_any(memory)
    except OSError as error:
        raise Conflict(
            "Port %(port)s is in use by another program. Choose another one: --port %(other)s (or --port 0 for any).",
            port=str(port),
            other=str(port + 1),
        ) from error
    memory.write_text(str(listener.getsockname()[1]))
    return listener


def _last_or_any(memory: Path) -> socket.socket:
    last = int(memory.read_text()) if memory.exists() else 0
    try:
        return listening(last)
    except OSError:
        return listening(0)


def _made(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log
