"""Deleting objects of evidence that was taken out."""

from typing import Any

from app.evidence import removing
from app.jobs.engine import Run
from workers.bench import Bench


def erase_objects(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Delete the objects of an evidence that was taken out; what is gone already is fine."""
    run.check()
    removing.erase_objects(bench.storage, prefix=args["prefix"], key=args["key"], upload_id=args["upload_id"])
