"""What this process counts for Prometheus. Labels hold names of ours only: never an id, an address or a name.

`assay serve --workers N` lets its processes count in files of one folder (`PROMETHEUS_MULTIPROC_DIR`, which the
library reads when it is imported), so that whichever of them is asked answers for all.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

requests = Counter("assay_requests", "Answered requests", ["method", "route", "status"])
request_seconds = Histogram(
    "assay_request_seconds",
    "Time from a request to the end of its answer; event streams are left out",
    ["method", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
requests_in_flight = Gauge("assay_requests_in_flight", "Requests under way", multiprocess_mode="livesum")
part_errors = Counter("assay_part_errors", "Times that a part could not be reached", ["part"])
jobs = Counter("assay_job_attempts", "Ended attempts at jobs", ["name", "queue", "outcome"])
job_seconds = Histogram(
    "assay_job_seconds",
    "Time of one attempt at a job",
    ["name"],
    buckets=(0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)
job_retries = Counter("assay_job_retries", "Attempts at jobs that were tried before", ["name"])
lease_losses = Counter(
    "assay_job_lease_losses",
    "Attempts that found their lease lost, or their job cancelled",
    ["name"],
)
media_seconds = Counter("assay_media_seconds", "Seconds of recordings converted or transcribed", ["stage"])


def exposition(collectors: Sequence[Collector] = ()) -> bytes:
    """Return everything counted so far, and what these collectors find out, in Prometheus' text format."""
    return b"".join(generate_latest(each) for each in (_registry(), *map(_only, collectors)))


def _registry() -> CollectorRegistry:
    """Return what to print: our own counters, or those of all processes that share a folder."""
    folder = os.environ.get(SHARED_FOLDER)
    if not folder:
        return REGISTRY
    _forget_the_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    return together


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of processes that were killed; what they have counted stays counted."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = re.search(r"_(\d+)\.db$", path.name)
        if pid is not None and not _lives(int(pid[1])):
            path.unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's, and it is there
        return True
    return True


def _only(collector: Collector) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry
