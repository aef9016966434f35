"""Inspection: what arrived, whole and with its digest, and whether we take it."""

import dataclasses
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.errors import NotFound
from app.evidence import custody, processing
from app.evidence.processing import Inspected, Key
from app.evidence.reasons import Reason
from app.evidence.states import EvidenceKind, StageName
from app.jobs.engine import Run
from workers.bench import Bench
from workers.evidence.extract import ReadDocument, finish_document, read_document
from workers.evidence.task import Facts, Superseded, Task
from workers.media.gate import Allowed, Refusal, refuse_bytes, refuse_extent, refuse_streams
from workers.media.probe import Probe, Unreadable, count, probe
from workers.media.sniff import NEEDED_BYTES, sniff

FETCHED = 0.8  # the share of the stage that fetching takes; most of it for a long file
GRACE_MS = 1_000
DIGEST_DIFFERS = Reason(
    "digest-mismatch",
    "The file that arrived is not the file that left your device: something was lost on the way. Upload it again.",
)


def inspect(bench: Bench, run: Run, args: dict[str, Any]) -> None:
    """Stream the original to the local disk, hash it on the way, judge it, and let the conversion begin."""
    task = Task(bench, run, Key.from_args(args), StageName.INSPECT)
    try:
        facts = task.begin()
        with task.folder() as folder:
            found = _look(task, facts, folder)
    except Superseded:
        return
    except NotFound:  # complete, and yet not there
        with run.finishing() as session:
            custody.damaged(session, task.key.evidence_id, now=task.now())
        return
    scan = bool(bench.settings.clamd_socket)
    if isinstance(found, ReadDocument) and not scan:
        finish_document(task, facts, found, before=partial(_inspected, task, found.found, scan=False))
        return
    with run.finishing() as session:
        if isinstance(found, Reason):
            processing.rejected(session, task.key, task.stage, found, now=task.now())
        else:  # a document is read again when the scanner has passed it
            _inspected(task, found.found if isinstance(found, ReadDocument) else found, session, scan=scan)


def _inspected(task: Task, found: Inspected, session: Session, *, scan: bool) -> None:
    processing.inspected(session, task.key, found, now=task.now(), scan=scan)


def _look(task: Task, facts: Facts, folder: Path) -> Inspected | ReadDocument | Reason:
    original = folder / "original"  # our name, and no extension: ffmpeg believes extensions
    digest = task.fetch(facts.object_key, original, size_bytes=facts.size_bytes, tell=task.teller(0, FETCHED))
    if facts.client_sha256 and facts.client_sha256.lower() != digest:
        return DIGEST_DIFFERS
    if facts.kind is EvidenceKind.DOCUMENT:
        return read_document(task, facts, original, folder, sha256=digest)
    found = examine(task, facts, original, folder)
    if isinstance(found, Refusal):
        return as_reason(found)
    return dataclasses.replace(found, sha256=digest)


def as_reason(refusal: Refusal) -> Reason:
    """Return a refusal in the form that is stored and shown."""
    return Reason(refusal.code, refusal.message, dict(refusal.params))


def examine(task: Task, facts: Facts, original: Path, scratch: Path) -> Inspected | Refusal:
    """Judge a recording: its first bytes, then its streams, then all of its packets."""
    limits, size = allowed(task.bench, facts), original.stat().st_size
    with original.open("rb") as file:
        sniffed = sniff(file.read(NEEDED_BYTES))
    if refusal := refuse_bytes(sniffed, size_bytes=size, allowed=limits):
        return refusal
    try:
        found = probe(original, tools=task.bench.tools, scratch=scratch)
        if refusal := refuse_streams(found, limits):
            return refusal
        task.check()
        extent = count(original, tools=task.bench.tools, scratch=scratch, cancelled=task.halted)
    except Unreadable as error:
        return Refusal(error.code, error.detail)
    if refusal := refuse_extent(found, extent, limits):
        return refusal
    size_seen = found.video.upright_size if found.video else (None, None)
    return Inspected(
        sha256="",
        size_bytes=size,
        duration_ms=extent.duration_ms,
        width=size_seen[0],
        height=size_seen[1],
        probe={**_stored(found), "odd_times": extent.odd_times},
        warnings=tuple(_warnings(facts, found, extent.duration_ms)),
    )


def allowed(bench: Bench, facts: Facts) -> Allowed:
    """Return the limits for this recording: the rubric's, or the operator's where that is smaller."""
    operators_s = bench.settings.max_duration_seconds
    rubrics_s = facts.asked.max_seconds or operators_s + 1
    return Allowed(
        kind="video" if facts.kind is EvidenceKind.VIDEO else "audio",
        longest_ms=min(rubrics_s, operators_s) * 1000,
        longest_is_rubrics=rubrics_s <= operators_s,
        largest_bytes=bench.settings.max_upload_bytes,
        cannot_read=bench.tools.binaries.cannot_read,
    )


def _warnings(facts: Facts, found: Probe, duration_ms: int) -> list[str]:
    """Say what is no reason to refuse, but candidate and assessor should know."""
    short = facts.asked.min_seconds and duration_ms + GRACE_MS < facts.asked.min_seconds * 1000
    return [
        *(["shorter-than-asked"] if short else []),
        *(["no-sound"] if found.audio is None else []),
    ]


def _stored(found: Probe) -> dict[str, Any]:
    """Return a probe as JSON: fractions as text."""
    facts = dataclasses.asdict(found)
    if facts["video"]:
        facts["video"] = {name: _plain(value) for name, value in facts["video"].items()}
    return facts


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Fraction) else value
