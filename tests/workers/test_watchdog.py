"""A worker that the database no longer answers, though it answers others, ends and is started again."""

import subprocess
import sys

from app.ports import free_ports
from tests import postgres
from workers.watchdog import EXIT_STATUS, answers

SILENT = """
import sys, threading
from app.db.engine import make_engine
from workers.watchdog import Patience, watch
seconds = float(sys.argv[2])
watch(make_engine(sys.argv[1]), silent_for=lambda: seconds, patience=Patience(60, 0.5, 0.1)).join(5)
"""


def run(url: str, *, silent_for: int) -> int:
    return subprocess.run([sys.executable, "-c", SILENT, url, str(silent_for)], timeout=60, check=False).returncode


def test_a_worker_that_hears_nothing_from_a_living_database_ends(postgres_server: postgres.Server):
    assert run(postgres_server.url, silent_for=61) == EXIT_STATUS


def test_a_worker_that_hears_the_database_goes_on(postgres_server: postgres.Server):
    assert run(postgres_server.url, silent_for=4) == 0


def test_a_database_that_is_down_is_waited_for():
    (port,) = free_ports(1)
    url = f"postgresql+psycopg://assay@127.0.0.1:{port}/assay"
    assert not answers(url.replace("+psycopg", ""))
    assert run(url, silent_for=61) == 0
