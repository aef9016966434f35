"""`assay doctor`: is everything there that Assay needs, and if not, what to do. One line for each check."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from threading import Timer

import typer

from app.cli.checks.check import Check, examined
from app.cli.checks.database import check_clock, check_database, check_evidence, check_jobs
from app.cli.checks.machine import check_address, check_disk, check_fonts, check_keys
from app.cli.checks.storage import check_storage
from app.cli.output import AsJson, show
from app.db.engine import make_engine
from app.settings import Settings, load_settings
from app.supervisor.plan import child_environment, python

WORKER_SECONDS = 180


def doctor(as_json: AsJson = False) -> None:
    """Check database, jobs, evidence, storage, clock, address, keys, disk, fonts, media tools and speech model.

    Each line is printed as soon as it is known. Exit 1 if one fails.

    Example: assay doctor --json
    """
    made: list[Check] = []
    for each in _every(load_settings()):
        made.append(each)
        if not as_json:
            _print(each)
    bad = any(check.state == "fail" for check in made)
    if as_json:
        show({"ok": not bad, "checks": [asdict(check) for check in made]}, as_json=True)
    raise typer.Exit(1 if bad else 0)


def _print(check: Check) -> None:
    print(f"{check.state:<5} {check.name}: {check.detail}", flush=True)
    if check.advice:
        print(f"      {check.advice}", flush=True)


def _every(settings: Settings) -> Iterator[Check]:
    yield from _own(settings)
    yield from _workers(settings)


def _own(settings: Settings) -> Iterator[Check]:
    engine = make_engine(settings.database)
    every: list[tuple[str, Callable[[], Check]]] = [
        ("database", lambda: check_database(engine)),
        ("jobs", lambda: check_jobs(engine)),
        ("evidence", lambda: check_evidence(engine)),
        ("storage", lambda: check_storage(settings)),
        ("clock", lambda: check_clock(engine, settings)),
        ("address", lambda: check_address(settings)),
        ("signing keys", lambda: check_keys(settings.keys)),
        ("disk", lambda: check_disk(settings.data_dir)),
        ("fonts", check_fonts),
    ]
    try:
        for name, check in every:
            yield examined(name, check)
    finally:
        engine.dispose()


def _workers(settings: Settings) -> Iterator[Check]:
    """Ask the worker's side, in a process of its own: the site's side never loads its libraries."""
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            python("workers.doctor", "--lines"),
            env=child_environment(settings),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as asked,
    ):
        limit = Timer(WORKER_SECONDS, asked.kill)
        limit.start()
        try:
            for line in asked.stdout or ():
                yield Check(**json.loads(line))
            asked.wait()
        finally:
            limit.cancel()
        said.seek(0)
        last = (said.read().strip().splitlines() or ["it said nothing"])[-1]
    if asked.returncode not in {0, 1}:
        yield Check("worker", "fail", last, "Install the package again, or run: python -m workers.doctor")
