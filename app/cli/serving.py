"""The site as an uvicorn server: on a port, on several processes, or on a socket that the supervisor holds."""

import os
import socket

import uvicorn
from starlette.applications import Starlette

from app import leash
from app.main import create_app
from app.settings import Settings, load_settings
from app.storage.embedded import located

GRACE_SECONDS = 3  # event streams never end by themselves


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Listen on an address. Several processes share it, each with its own site."""
    if workers == 1:
        uvicorn.Server(_config(create_app(settings), host=host, port=port)).run()
        return
    uvicorn.run(
        "app.cli.serving:site_of_a_child",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve_socket(settings: Settings, *, fd: int) -> None:
    """Listen on an open socket that the supervisor holds."""
    uvicorn.Server(_config(create_app(settings))).run(sockets=[socket.socket(fileno=fd)])


def site_of_a_child() -> Starlette:
    """Return the site of one of several processes, which must not outlive their parent."""
    leash.die_with(os.getppid())
    return create_app(located(load_settings()))


def _config(site: Starlette, *, host: str = "127.0.0.1", port: int = 8000) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
