"""The names of all jobs: queue, tries, back-off. What each does is in `workers/handlers.py`."""

from dataclasses import dataclass

from app.jobs.models import Queue


@dataclass(frozen=True, slots=True)
class JobKind:
    """What is known about a job before it runs. `max_attempts` counts starts, deaths of the worker included."""

    name: str
    queue: Queue
    max_attempts: int = 3
    backoff_seconds: float = 2.0
    priority: int = 0

    @property
    def act(self) -> str:
        """What it does, without whose it is: the beginning of the ids of such jobs."""
        return self.name.partition(".")[2]


INSPECT = JobKind("evidence.inspect", Queue.MEDIA, priority=10)
SCAN = JobKind("evidence.scan", Queue.MEDIA, priority=5)
CONVERT = JobKind("evidence.convert", Queue.MEDIA, priority=5)
CONVERT_PIECES = JobKind("evidence.convert-pieces", Queue.MEDIA)  # a recording of hours lets short ones go first
JOIN_PIECES = JobKind("evidence.join-pieces", Queue.MEDIA, priority=5)
TRANSCRIBE = JobKind("evidence.transcribe", Queue.SPEECH)
ERASE_OBJECTS = JobKind("evidence.erase-objects", Queue.QUICK, max_attempts=10)
STOP_JUDGING = JobKind("evidence.stop-judging", Queue.QUICK, max_attempts=10, priority=10)
TIDY = JobKind("evidence.tidy", Queue.QUICK, max_attempts=10)
RECONCILE = JobKind("evidence.reconcile", Queue.QUICK)
SWEEP_UPLOADS = JobKind("evidence.sweep-uploads", Queue.QUICK, max_attempts=10)
DECIDE_LOT = JobKind("validation.decide-lot", Queue.QUICK, max_attempts=10)
CLOSE_DUE_LOTS = JobKind("validation.close-due", Queue.QUICK, max_attempts=10)
ISSUE = JobKind("credentials.issue", Queue.QUICK, max_attempts=10)
PUBLISH_STATUS = JobKind("credentials.publish-status", Queue.QUICK, max_attempts=10, priority=10)
REFRESH_STATUS = JobKind("credentials.refresh-status", Queue.QUICK, max_attempts=10)
PURGE = JobKind("jobs.purge", Queue.QUICK)

CATALOG: dict[str, JobKind] = {
    kind.name: kind
    for kind in (
        INSPECT,
        SCAN,
        CONVERT,
        CONVERT_PIECES,
        JOIN_PIECES,
        TRANSCRIBE,
        ERASE_OBJECTS,
        STOP_JUDGING,
        TIDY,
        RECONCILE,
        SWEEP_UPLOADS,
        DECIDE_LOT,
        CLOSE_DUE_LOTS,
        ISSUE,
        PUBLISH_STATUS,
        REFRESH_STATUS,
        PURGE,
    )
}

# Periodic jobs: seconds between slots. The slot is in the id, so each runs once however many processes tick.
PERIODIC: dict[str, int] = {
    CLOSE_DUE_LOTS.name: 300,
    RECONCILE.name: 300,
    REFRESH_STATUS.name: 3600,
    SWEEP_UPLOADS.name: 6 * 3600,
    PURGE.name: 24 * 3600,
}
