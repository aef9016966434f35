"""`assay jobs`: what waits, runs and has failed, and a second chance for the failed."""

import typer
from sqlalchemy import func
from sqlmodel import col, select

from app.cli.output import AsJson, read_unit, show, write_unit
from app.db.clock import now_in
from app.evidence.reconciling import retry_failed_evidence
from app.jobs.models import Job, JobState
from app.jobs.service import retry_failed

MOST_SHOWN = 100
jobs = typer.Typer(no_args_is_help=True, help="The jobs of workers.")


@jobs.command("show")
def show_command(as_json: AsJson = False) -> None:
    """Count jobs by queue and state, and name those that failed for good, the latest first.

    Example: assay jobs show --json
    """
    with read_unit() as session:
        counted = session.exec(select(Job.queue, Job.state, func.count()).group_by(Job.queue, Job.state)).all()
        ended = col(Job.ended_at).desc()
        failed = session.exec(select(Job).where(Job.state == JobState.FAILED).order_by(ended).limit(MOST_SHOWN)).all()
    answer = {f"{queue} {state}": count for queue, state, count in sorted(counted)}
    reasons = [{"id": job.id, "error": job.error, "ended_at": str(job.ended_at)} for job in failed]
    show({"jobs": answer, "failed": reasons}, as_json=as_json)


@jobs.command("retry")
def retry(as_json: AsJson = False) -> None:
    """Give what failed for good its tries anew, once the cause is mended. Work that is done is not done again.

    Jobs of evidence begin with the file again; a candidate who was told of the failure sees that it goes on.

    Example: assay jobs retry
    """
    with write_unit() as session:
        now = now_in(session)
        begun = [str(each) for each in retry_failed_evidence(session, now=now)]
        again = retry_failed(session, now=now)
    show({"retried": again, "evidence": begun}, as_json=as_json)
