"""`assay doctor`: is everything there that Assay needs, and if not, what to do. One line for each check."""

import hashlib
import json
import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.resources import files
from pathlib import Path

import typer
import urllib3
from sqlalchemy import Engine, func
from sqlmodel import col, select

from app.cli.output import AsJson, show
from app.db.engine import make_engine, reading
from app.errors import AssayError
from app.jobs.models import Job, JobState, Queue
from app.jobs.presence import live_workers
from app.schema.migrate import is_current
from app.settings import Settings, load_settings
from app.storage.client import MIN_PART_BYTES, Storage
from app.storage.embedded import find, located
from app.supervisor.plan import child_environment, python
from app.web.security import origin_of

PART_LIFE = timedelta(minutes=5)
LATE = timedelta(minutes=15)
MOST_SKEW = timedelta(seconds=60)
LITTLE_BYTES, TOO_LITTLE_BYTES = 10 * 1024**3, 1024**3
FONTS = ("ibm-plex-sans-latin-wght-normal.woff2", "ibm-plex-sans-arabic-arabic-400-normal.woff2")
WORKER_SECONDS = 180
HTTP = urllib3.PoolManager(timeout=20, retries=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `state` is ok, warn or fail; `advice` says what to do."""

    name: str
    state: str
    detail: str
    advice: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Check database, storage, jobs, media tools, speech model, fonts, keys, clock and disk. Exit 1 if one fails.

    Example: assay doctor --json
    """
    settings = load_settings()
    checks = [*_own(settings), *_workers(settings)]
    bad = any(check.state == "fail" for check in checks)
    if as_json:
        show({"ok": not bad, "checks": [asdict(check) for check in checks]}, as_json=True)
    else:
        for check in checks:
            print(f"{check.state:<5} {check.name}: {check.detail}")
            if check.advice:
                print(f"      {check.advice}")
    raise typer.Exit(1 if bad else 0)


def _own(settings: Settings) -> list[Check]:
    engine = make_engine(settings.database)
    every: list[tuple[str, Callable[[], Check]]] = [
        ("database", lambda: check_database(engine)),
        ("jobs", lambda: check_jobs(engine)),
        ("workers", lambda: check_workers(engine)),
        ("storage", lambda: check_storage(settings)),
        ("clock", lambda: check_clock(settings)),
        ("signing keys", lambda: check_keys(settings.keys)),
        ("disk", lambda: check_disk(settings.data_dir)),
        ("fonts", check_fonts),
    ]
    try:
        return [_examined(name, check) for name, check in every]
    finally:
        engine.dispose()


def _examined(name: str, check: Callable[[], Check]) -> Check:
    """Make a check; a refusal of ours is a failed check, in its own words."""
    try:
        return check()
    except AssayError as error:
        return Check(name, "fail", str(error))


def check_database(engine: Engine) -> Check:
    """Say whether the database answers and has this release's schema."""
    if not is_current(engine):
        return Check("database", "fail", "not set up, or older than this release", "Run: assay init")
    return Check("database", "ok", f"{engine.dialect.name}, newest schema")


def check_jobs(engine: Engine) -> Check:
    """Say whether jobs are being done."""
    if not is_current(engine):
        return Check("jobs", "fail", "there is no job table yet", "Run: assay init")
    now = datetime.now(UTC)
    with reading(engine) as session:
        oldest = session.exec(select(func.min(Job.run_at)).where(Job.state == JobState.TODO)).one()
        failed = session.exec(select(func.count()).where(col(Job.state) == JobState.FAILED)).one()
    if oldest is not None and now - oldest > LATE:
        late = int((now - oldest).total_seconds() // 60)
        return Check("jobs", "warn", f"the oldest job waits for {late} minutes", "Start a worker: assay work")
    if failed:
        return Check("jobs", "warn", f"{failed} failed for good", "Run: assay jobs show (why), then: assay jobs retry")
    return Check("jobs", "ok", "none waits for long")


def check_workers(engine: Engine) -> Check:
    """Say which worker processes live, and whether a queue has none."""
    if not is_current(engine):
        return Check("workers", "fail", "there is no table of workers yet", "Run: assay init")
    alive = live_workers(engine)
    unserved = [queue.value for queue in Queue if not any(queue in worker.queues for worker in alive)]
    who = "; ".join(f"{each.machine} ({each.pid}): {', '.join(each.queues)} x {each.concurrency}" for each in alive)
    if not alive:
        return Check("workers", "warn", "none runs: jobs wait", "Start one: assay up, or assay work")
    if unserved:
        return Check("workers", "warn", f"none serves {', '.join(unserved)} ({who})", "Start one: assay work --queues")
    return Check("workers", "ok", who)


def check_storage(settings: Settings) -> Check:
    """Send a real object in two parts by signed addresses, read it back and compare; then ask about CORS."""
    if not settings.s3_endpoint_url and find(settings.data_dir) is None:
        return Check("storage", "warn", "the embedded server does not run", "`assay up` starts it; then ask again.")
    settings = located(settings)
    storage, key = Storage(settings), f"health/doctor-{secrets.token_hex(8)}"
    content = secrets.token_bytes(MIN_PART_BYTES + 1000)
    started = time.monotonic()
    try:
        problem = _send_in_two_parts(storage, key, content) or _cors_problem(storage, key, settings)
    finally:
        storage.delete(key)
    if problem:
        return Check("storage", "fail", problem, "Run: assay init (it sets the bucket and its CORS rules).")
    took = int((time.monotonic() - started) * 1000)
    return Check("storage", "ok", f"{settings.s3_endpoint_url}: two parts, checksum and CORS right in {took} ms")


def _send_in_two_parts(storage: Storage, key: str, content: bytes) -> str:
    upload_id = storage.create_upload(key, media_type="application/octet-stream")
    for number, part in enumerate((content[:MIN_PART_BYTES], content[MIN_PART_BYTES:]), start=1):
        signed = storage.sign_part(key, upload_id=upload_id, number=number, size_bytes=len(part), life=PART_LIFE)
        answer = HTTP.request("PUT", signed.url, body=part, headers=signed.headers)
        if answer.status != 200:  # noqa: PLR2004
            return f"the signed address of part {number} was refused ({answer.status})"
    storage.complete_upload(key, upload_id=upload_id, parts=storage.list_parts(key, upload_id=upload_id))
    read = HTTP.request("GET", storage.sign_get(key, life=PART_LIFE)).data
    same = hashlib.sha256(read).digest() == hashlib.sha256(content).digest()
    return "" if same else "the object that came back is not the one that was sent"


def _cors_problem(storage: Storage, key: str, settings: Settings) -> str:
    """Ask as a browser does before it sends a part: the site's pages may, a stranger's may not."""
    url = storage.sign_get(key, life=PART_LIFE)
    for origin, may in ((origin_of(settings.base_url), True), ("https://stranger.example", False)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        allowed = HTTP.request("OPTIONS", url, headers=asked).headers.get("Access-Control-Allow-Origin")
        if (allowed in {origin, "*"}) is not may:
            return f"CORS: pages of {origin} {'may not' if may else 'may'} send to the bucket"
    return ""


def check_clock(settings: Settings) -> Check:
    """Compare our clock with the storage's: signed addresses fail when they differ by minutes."""
    if not settings.s3_endpoint_url and find(settings.data_dir) is None:
        return Check("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC (nothing to compare with)")
    answer = HTTP.request("HEAD", located(settings).s3_endpoint_url)
    skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))
    if skew > MOST_SKEW:
        advice = "Let both machines follow a time server."
        return Check("clock", "fail", f"{skew.total_seconds():.0f} s away from the storage's", advice)
    return Check("clock", "ok", f"within {MOST_SKEW.seconds} s of the storage's")


def check_keys(folder: Path) -> Check:
    """Say whether the private keys are for their owner only."""
    keys = sorted(folder.glob("*.pem")) if folder.exists() else []
    open_ones = [key.name for key in keys if stat.S_IMODE(key.stat().st_mode) & 0o077]
    if open_ones:
        return Check("signing keys", "fail", f"others can read {', '.join(open_ones)}", f"Run: chmod 600 {folder}/*")
    if folder.exists() and not os.access(folder, os.W_OK):
        return Check("signing keys", "fail", f"{folder} can't be written", "Give its owner the right to write.")
    made = f"{len(keys)} in {folder}" if keys else f"none yet; made in {folder} at their first use"
    return Check("signing keys", "ok", made)


def check_disk(data_dir: Path) -> Check:
    """Say how much room the data folder has."""
    folder = next(path for path in (data_dir.absolute(), *data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    state = "fail" if free < TOO_LITTLE_BYTES else "warn" if free < LITTLE_BYTES else "ok"
    advice = "" if state == "ok" else "Make room: below 2 % free the embedded storage takes no more recordings."
    return Check("disk", state, f"{free / 1024**3:.1f} GiB free for {data_dir}", advice)


def check_fonts() -> Check:
    """Say whether the fonts of pages and badges came with the package."""
    missing = [name for name in FONTS if not (files("app") / "static" / "fonts" / name).is_file()]
    if missing:
        return Check("fonts", "fail", f"missing: {', '.join(missing)}", "Install the package again.")
    return Check("fonts", "ok", "Latin and Arabic fonts are in place")


def _workers(settings: Settings) -> list[Check]:
    """Ask the worker's side, in a process of its own: the site's side never loads its libraries."""
    done = subprocess.run(
        python("workers.doctor", "--json"),
        env=child_environment(settings),
        capture_output=True,
        text=True,
        timeout=WORKER_SECONDS,
        check=False,
    )
    try:
        return [Check(**each) for each in json.loads(done.stdout)["checks"]]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return [Check("worker", "fail", last, "Install the package again, or run: python -m workers.doctor")]
