"""The virus scan: the original goes to clamd as it is; without an explicit "clean" nothing goes on."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

from app.errors import NotFound
from app.evidence import custody, processing, scanning
from app.evidence.processing import Key
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceKind, StageName
from app.jobs.engine import Run
from workers.bench import Bench
from workers.clamd import Clamd, ScannerDown
from workers.evidence.extract import finish_document, read_document
from workers.evidence.task import Facts, Superseded, Task

log = logging.getLogger("assay.worker.scan")
NEEDED = "ASSAY_CLAMD_SOCKET"
FETCHED = 0.3  # the share of the stage that fetching takes


def scan(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Have an original scanned and let it go on, or end it. While there is no verdict the job waits."""
    task = Task(bench, run, Key.from_args(args), StageName.SCAN)
    try:
        facts = task.begin()
        with task.folder() as folder:
            _scan(task, facts, folder)
    except Superseded:
        return
    except NotFound:  # inspected, and gone since
        with run.finishing() as session:
            custody.damaged(session, task.key.evidence_id, now=task.now())
    except ScannerDown as error:
        log.warning("evidence %s is not scanned: %s", task.key.evidence_id, error)
        with run.saving() as session:
            scanning.delayed(session, task.key, now=task.now())
        raise


def _scan(task: Task, facts: Facts, folder: Path) -> None:
    clamd = _scanner(task.bench)
    scanner = clamd.version()  # asked first: nothing is fetched for a scanner that is not there
    original = folder / "original"
    digest = task.fetch(facts.object_key, original, size_bytes=facts.size_bytes, tell=task.teller(0, FETCHED))
    if digest != facts.sha256:
        with task.run.finishing() as session:
            custody.damaged(session, task.key.evidence_id, now=task.now())
        return
    told = task.teller(FETCHED, 1)
    with original.open("rb") as file:
        signature = clamd.scan(file, tell=lambda done: told(done / max(1, facts.size_bytes)))
    if signature:
        log.warning("evidence %s holds %s", task.key.evidence_id, signature)
        with task.run.finishing() as session:
            scanning.found(session, task.key, scanner=scanner, signature=signature, now=task.now())
        return
    _go_on(task, facts, original, scanner)


def _scanner(bench: Bench) -> Clamd:
    if not bench.settings.clamd_socket:  # another worker has one, and asked for this scan
        raise ScannerDown(f"Set {NEEDED} for this worker too: a file waits for its virus scan.")
    return Clamd(bench.settings.clamd_socket)


def _go_on(task: Task, facts: Facts, original: Path, scanner: str) -> None:
    if facts.kind is not EvidenceKind.DOCUMENT:
        with task.run.finishing() as session:
            scanning.passed(session, task.key, scanner=scanner, now=task.now())
        return
    document = read_document(task, facts, original, original.parent, sha256=facts.sha256 or "")
    if isinstance(document, Reason):
        with task.run.finishing() as session:
            processing.rejected(session, task.key, StageName.EXTRACT, document, now=task.now())
        return
    passed = partial(_passed, task, scanner)
    finish_document(task, facts, document, before=passed)


def _passed(task: Task, scanner: str, session: Any) -> None:
    scanning.passed(session, task.key, scanner=scanner, now=task.now())
