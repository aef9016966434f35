"""Ends a worker that can't reach a database which others can: a connection that was cut without a word, or a bug.

A database that is down is waited for, however long. Whoever started the worker must start it again (`assay up` does,
systemd with `Restart=always`, a container with `restart: always`).
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from sqlalchemy import Engine

from app.jobs.distributed import address_of

log = logging.getLogger(__name__)
EXIT_STATUS = 70  # EX_SOFTWARE
CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent, and how long of that the database must have answered others.

    A worker that was frozen or cut off, or whose database was down, finds its own way back within `reachable` seconds.
    """

    silent: float = 60.0
    reachable: float = 40.0
    look: float = 5.0


def watch(engine: Engine, *, silent_for: Callable[[], float], patience: Patience | None = None) -> threading.Thread:
    """Watch in a thread of its own over what says for how many seconds the database has not answered this process."""
    arguments = (address_of(engine), silent_for, patience or Patience())
    watchdog = threading.Thread(target=_watch, args=arguments, name="watchdog", daemon=True)
    watchdog.start()
    return watchdog


def _watch(address: str, silent_for: Callable[[], float], patience: Patience) -> None:
    waiting, since = threading.Event(), time.monotonic()
    while silent_for() <= patience.silent or time.monotonic() - since < patience.reachable:
        before = time.monotonic()
        waiting.wait(patience.look)
        was_frozen = time.monotonic() - before > 2 * patience.look
        if was_frozen or silent_for() <= 2 * patience.look or not answers(address):
            since = time.monotonic()
    log.critical("the database answers others, but not this process since %.0f s: it ends", silent_for())
    os._exit(EXIT_STATUS)


def answers(address: str) -> bool:
    """Say whether the database answers on a new connection."""
    try:
        with psycopg.connect(address, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
