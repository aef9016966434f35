"""What a dead worker, a lost message or a copied database leaves: open jobs that nobody was told of. PostgreSQL only.

Every worker looks every few seconds, one at a time by an advisory lock. This is not a job itself, so it can't be
stuck behind others.
"""

from datetime import timedelta

from sqlalchemy import Engine, text

from app.db.engine import writing
from app.jobs.dispatch import send
from app.jobs.engine import Timing
from app.jobs.models import Queue

LOCK = 0x61737361795F6A62  # "assay_jb"
AT_ONCE = 500

# A dispatch is dead when its worker is (no heartbeat), or when it should have come to an end by what the job says:
# its answer was lost with a connection. A dead one is deleted, never handed on: a worker that was only frozen then
# ends its own dispatch, which is no more, and not that of its successor.
DEAD = text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT p.id FROM procrastinate_jobs p
        LEFT JOIN procrastinate_workers w ON w.id = p.worker_id
        LEFT JOIN job j ON j.id = p.lock
        WHERE p.status = 'doing' AND (
            w.id IS NULL
            OR w.last_heartbeat < clock_timestamp() - :silence
            OR j.id IS NULL
            OR coalesce(j.ended_at, CASE j.state WHEN 'todo' THEN j.run_at ELSE j.lease_until END)
                < clock_timestamp() - :unanswered
        )
        FOR UPDATE OF p SKIP LOCKED
    )
""")

UNTOLD = text("""
    SELECT id, queue, priority, run_at FROM job j
    WHERE state IN ('todo', 'doing') AND (state = 'todo' OR lease_until < clock_timestamp())
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs p WHERE p.lock = j.id AND p.status IN ('todo', 'doing'))
    LIMIT :at_once FOR UPDATE SKIP LOCKED
""")


def sweep(engine: Engine, timing: Timing) -> int:
    """Send open jobs again of which no dispatch lives; how many. 0 while another worker does the same."""
    with writing(engine) as session:
        connection = session.connection()
        if not connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}).scalar_one():
            return 0
        limits: dict[str, timedelta] = {"silence": timing.silence, "unanswered": timing.unanswered}
        connection.execute(DEAD, limits)
        untold = connection.execute(UNTOLD, {"at_once": AT_ONCE}).all()
        for job in untold:
            send(connection, job_id=job.id, queue=Queue(job.queue), priority=job.priority, run_at=job.run_at)
        return len(untold)
