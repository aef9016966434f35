"""The hourly look at status lists; it loads what signs only where there are lists."""

from pkgutil import resolve_name
from typing import Any

from sqlmodel import select

from app.credentials.models import StatusList
from app.db.engine import reading
from app.jobs.engine import Run
from workers.bench import Bench


def refresh_status(bench: Bench, run: Run, _args: dict[str, Any]) -> None:
    """Sign the status lists that will soon be out of date."""
    run.check()
    with reading(bench.engine) as session:
        if session.exec(select(StatusList.number).limit(1)).first() is None:
            return
    resolve_name("app.credentials.jobs:refresh_status")(bench.engine, bench.settings, now=bench.clock())
