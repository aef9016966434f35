"""`assay jobs`: an operator sees what failed and tries it again."""

import json
from pathlib import Path

from sqlalchemy import text

from app.db.engine import make_engine, writing
from app.jobs.catalog import ISSUE
from app.jobs.clock import clock
from app.jobs.models import Job, JobState
from app.jobs.service import enqueue
from tests import postgres
from tests.cli.running import Shell


def test_a_job_that_failed_for_good_is_shown_and_tried_again(tmp_path: Path):
    shell = Shell(tmp_path)
    shell.assay("init")
    engine = make_engine(f"sqlite:///{tmp_path / 'assay.sqlite3'}")
    with writing(engine) as session:
        enqueue(session, ISSUE, job_id="issue:1", args={}, now=clock())
        job = session.get_one(Job, "issue:1")
        job.state, job.error, job.ended_at = JobState.FAILED, "The key is missing.", clock()
    engine.dispose()
    shown = json.loads(shell.assay("jobs", "show", "--json").stdout)
    assert shown["jobs"] == {"quick failed": 1}
    assert [(each["id"], each["error"]) for each in shown["failed"]] == [("issue:1", "The key is missing.")]
    assert json.loads(shell.assay("jobs", "retry", "--json").stdout) == {"retried": ["issue:1"], "evidence": []}
    assert json.loads(shell.assay("jobs", "show", "--json").stdout) == {"jobs": {"quick todo": 1}, "failed": []}


def test_the_measurement_of_jobs_needs_a_database_server(tmp_path: Path):
    refused = Shell(tmp_path).assay("bench", "jobs")
    assert refused.returncode == 2
    assert "ASSAY_DATABASE_URL" in refused.stderr


def test_the_measurement_of_jobs_leaves_no_database_behind(tmp_path: Path, postgres_server: postgres.Server):
    asked = ["bench", "jobs", "--jobs", "10", "--job-ms", "2", "--rounds", "1", "--json"]
    answer = Shell(tmp_path).assay(*asked, ASSAY_DATABASE_URL=postgres_server.url)
    assert answer.returncode == 0, answer.stderr
    figures = json.loads(answer.stdout)
    assert figures["one"] > 0
    assert figures["ratio"] > 0
    assert 0 < figures["small_job_ms"] <= figures["small_job_p95_ms"]
    engine = make_engine(postgres_server.url)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT datname FROM pg_database WHERE datname LIKE 'assay_bench_%'")).all()
    engine.dispose()
    assert left == []
