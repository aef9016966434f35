"""Deleting what killed attempts have stored."""

from typing import Any

from app.evidence import tidying
from app.evidence.processing import Key
from app.evidence.states import StageName
from app.jobs.engine import Run
from workers.bench import Bench


def tidy(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Delete the leftovers of one stage of one evidence."""
    run.check()
    tidying.tidy(
        bench.engine,
        bench.storage,
        key=Key.from_args(args),
        stage=StageName(args["stage"]),
        look=int(args["look"]),
        now=bench.clock(),
    )
