"""Ends a worker that can't reach a database which others can: a connection that was cut without a word, or a bug.

A database that is down is waited for, however long. Whoever started the worker must start it again (`assay up` does,
systemd with `Restart=always`, a container with `restart: always`).
"""

import logging
import os
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import Engine

from app.jobs.distributed import address_of

log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
LOOKS = 3  # that many times in a row, so that one who was only frozen can recover
EXIT_STATUS = 70  # EX_SOFTWARE


def watch(engine: Engine, *, silent_for: Callable[[], float]) -> None:
    """Watch in a thread of its own over what says for how many seconds the database has not answered this process."""
    threading.Thread(target=_watch, args=(address_of(engine), silent_for), name="watchdog", daemon=True).start()


def _watch(address: str, silent_for: Callable[[], float]) -> None:
    strikes = 0
    while True:
        threading.Event().wait(LOOK_SECONDS)
        strikes = strikes + 1 if silent_for() > PATIENCE_SECONDS and answers(address) else 0
        if strikes >= LOOKS:
            log.critical("the database answers others, but not this process since %.0f s: it ends", silent_for())
            os._exit(EXIT_STATUS)


def answers(address: str) -> bool:
    """Say whether the database answers on a new connection."""
    try:
        with psycopg.connect(address, connect_timeout=int(LOOK_SECONDS)) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
