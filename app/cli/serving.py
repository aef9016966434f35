"""`assay serve`: the site as an uvicorn server, on a port, on a socket that somebody holds, or as several processes.

Told to stop (SIGTERM, Ctrl+C) a site takes no more callers, ends event streams, finishes what is under way and ends
with status 0; what takes longer than `GRACE_SECONDS` is cut off.
"""

import logging
import os
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from app import logs, meters
from app.errors import Conflict
from app.main import create_app
from app.ports import listening
from app.settings import Settings, load_settings
from app.storage.embedded import located
from app.supervisor.parts import Part, spawn
from app.supervisor.plan import SITE_STOP_SECONDS, child_environment, python, site_answers
from app.supervisor.watch import Stopped, Supervisor

log = logging.getLogger(__name__)
GRACE_SECONDS = 10
LAST_SECONDS = 2  # for what can't be cancelled: a thread that waits for a storage that doesn't answer


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Site processes.")] = 1,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the site alone (production). Jobs are run by `assay work`.

    Example: assay serve --host 0.0.0.0 --port 8000 --workers 4
    """
    if fd is not None:
        serve_socket(located(load_settings()), fd=fd)
        return
    if "ASSAY_BASE_URL" not in os.environ:
        os.environ["ASSAY_BASE_URL"] = f"http://127.0.0.1:{port}"
    settings = located(load_settings())
    serve(settings, host=host, port=port, workers=workers)


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Listen on an address, with one process or several. Conflict when the address can't be had."""
    try:
        listener = listening(port, host=host)
    except OSError as error:
        raise Conflict(
            "The site can't listen on %(host)s port %(port)s: %(why)s. Choose another one: --port.",
            host=host,
            port=str(port),
            why=error.strerror or str(error),
        ) from error
    with listener:
        if workers == 1:
            _run(settings, listener)
        else:
            _supervise(settings, listener, count=workers)


def serve_socket(settings: Settings, *, fd: int) -> None:
    """Listen on an open socket that the supervisor holds."""
    _run(settings, socket.socket(fileno=fd))


def _run(settings: Settings, listener: socket.socket) -> None:
    logs.set_up(settings.log_format)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)  # uvicorn hands a signal on to this when all is done
    signal.signal(signal.SIGALRM, _cut)
    ending = Ending()
    config = uvicorn.Config(
        create_app(settings, ending=lambda: ending.asked),
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    site = Site(config, ending)
    log.info("listening on %s", listener.getsockname())
    site.run(sockets=[listener])


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


@dataclass(slots=True)
class Ending:
    """Whether the site was asked to end. What signal handlers touch takes no locks."""

    asked: bool = False


class Site(uvicorn.Server):
    """A server that tells its event streams when it ends, and ends for certain."""

    def __init__(self, config: uvicorn.Config, ending: Ending) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; called when a signal arrives."""
        if not self._ending.asked:
            self._ending.asked = True
            signal.alarm(GRACE_SECONDS + LAST_SECONDS)
        super().handle_exit(sig, frame)


def _cut(_number: int, _frame: FrameType | None) -> None:
    log.warning("a request took longer than %d s after the wish to stop; it is cut off", GRACE_SECONDS)
    os._exit(0)


def _supervise(settings: Settings, listener: socket.socket, *, count: int) -> None:
    """Let several processes answer on one socket; one that ends by itself is started again."""
    logs.set_up(settings.log_format)
    supervisor = Supervisor(say=log.info)
    supervisor.listen()
    shared = Path(tempfile.mkdtemp(prefix="assay-meters-"))
    environment = {**child_environment(settings), meters.SHARED_FOLDER: str(shared)}
    number = listener.fileno()

    def start() -> Popen[bytes]:
        return spawn(python("app", "serve", "--fd", str(number)), env=environment, log=None, pass_fds=(number,))

    parts = [
        Part(f"site {each + 1}", start, lambda: site_answers(listener), None, SITE_STOP_SECONDS)
        for each in range(count)
    ]
    try:
        supervisor.start(parts)
        supervisor.run()
    except Stopped:
        log.info("stopped while starting")
    finally:
        supervisor.stop()
        shutil.rmtree(shared)
