"""What the measurement of uploads consists of: a site and a storage of its own, our signed parts against boto3's."""

import hashlib
import json
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3
from boto3.s3.transfer import TransferConfig

import app.demo
from app.accounts.people import NewPerson, add_organisation, add_person
from app.accounts.sign_in import make_token
from app.actor import Role
from app.cli.bench_memory import Memory, site_of
from app.db.engine import make_engine, writing
from app.errors import Unavailable
from app.frameworks.exchange import import_file, read_file
from app.settings import PREFIX
from app.storage.embedded import Server, client, find
from app.supervisor.plan import import_path, python

CONTENT = app.demo.__path__[0] + "/demo-frameworks.json"
RUBRIC = "teller-service-call"
STOP_SECONDS = 30
SIGNED_AT_ONCE = 12  # as the browser asks for them
OK = 200
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds are medians of all rounds. Memory in KiB, None where the system does not tell it."""

    size_bytes: int
    part_size_bytes: int
    at_once: int
    rounds: int
    ours_seconds: float
    boto3_seconds: float
    ratio: float
    site_idle_kib: int | None
    site_peak_kib: int | None
    through_site_bytes: int


@dataclass(slots=True)
class Caller:
    """Somebody who uploads by the API, and how many bytes went to the site and came back."""

    base: str
    token: str
    pool: urllib3.PoolManager
    bytes_moved: int = 0

    def call(self, method: str, path: str, body: object = None) -> Any:
        sent = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        answer = self.pool.request(method, self.base + path, body=sent or None, headers=headers)
        told = sum(len(name) + len(value) + 4 for name, value in (*headers.items(), *answer.headers.items()))
        self.bytes_moved += len(sent) + len(answer.data) + len(path) + told
        if answer.status >= 300:  # noqa: PLR2004
            raise Unavailable(f"The site of the measurement answers {answer.status}: {answer.data[:300]!r}")
        return json.loads(answer.data) if answer.data else None


@dataclass(frozen=True, slots=True)
class Place:
    """A running site and storage with a submission to upload to."""

    caller: Caller
    server: Server
    submission_id: str
    pid: int


def measure(*, size_bytes: int, at_once: int, rounds: int) -> Figures:
    """Upload in turns, so that what else the machine does hits both alike."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name, _place(Path(name)) as place:
        file = _a_file(Path(name) / "recording.wav", size_bytes)
        part_size = _ours(place, file, at_once=at_once)[1]  # both once unmeasured: what is loaded late is there then
        _boto3(place, file, part_size=part_size, at_once=at_once)
        idle, before = Memory.of(place.pid), place.caller.bytes_moved
        ours, theirs, peaks = list[float](), list[float](), list[int | None]()
        for _ in range(rounds):
            with Memory.watched(place.pid) as memory:
                ours.append(_ours(place, file, at_once=at_once)[0])
            peaks.append(memory.peak_kib)
            theirs.append(_boto3(place, file, part_size=part_size, at_once=at_once))
        moved = (place.caller.bytes_moved - before) // rounds
        one, two = statistics.median(ours), statistics.median(theirs)
        peak = max((each for each in peaks if each is not None), default=None)
        return Figures(
            size_bytes, part_size, at_once, rounds, round(one, 2), round(two, 2), round(one / two, 3), idle, peak, moved
        )


def _a_file(path: Path, size_bytes: int) -> Path:
    block = os.urandom(min(size_bytes, 16 * MIB))
    with path.open("wb") as file:
        for start in range(0, size_bytes, len(block)):
            file.write(block[: min(len(block), size_bytes - start)])
    return path


def _ours(place: Place, file: Path, *, at_once: int) -> tuple[float, int]:
    """Send a file as the browser does, its fingerprint computed beside; returns seconds, and the size of a part."""
    began = time.monotonic()
    size, caller = file.stat().st_size, place.caller
    told = {"kind": "audio", "name": file.name, "media_type": "audio/wav", "size_bytes": size}
    made = caller.call("POST", f"/api/v1/submissions/{place.submission_id}/evidence", told)
    path, part_size = f"/api/v1/evidence/{made['id']}", made["upload"]["part_size_bytes"]
    with ThreadPoolExecutor(at_once) as senders, ThreadPoolExecutor(1) as beside, file.open("rb") as source:
        print_of = beside.submit(_fingerprint, file)
        list(senders.map(lambda part: _put(place, source.fileno(), part, part_size), _signed(caller, path, made)))
        caller.call("POST", f"{path}/complete", {"sha256": print_of.result(), "size_bytes": size})
    seconds = time.monotonic() - began
    caller.call("DELETE", path)
    _empty(place)
    return seconds, part_size


def _signed(caller: Caller, path: str, made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the signed parts, asked for a dozen at a time."""
    numbers = list(range(1, made["upload"]["part_count"] + 1))
    for first in range(0, len(numbers), SIGNED_AT_ONCE):
        yield from caller.call("POST", f"{path}/parts", {"numbers": numbers[first : first + SIGNED_AT_ONCE]})["parts"]


def _put(place: Place, source: int, part: dict[str, Any], part_size: int) -> None:
    body = os.pread(source, part["size_bytes"], (part["number"] - 1) * part_size)
    answer = place.caller.pool.request("PUT", part["url"], body=body, headers=part["headers"])
    if answer.status != OK:
        raise Unavailable(f"The storage of the measurement answers {answer.status}: {answer.data[:300]!r}")


def _fingerprint(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _boto3(place: Place, file: Path, *, part_size: int, at_once: int) -> float:
    """Send the same file by boto3's own transfer, with as large parts and as many at a time; returns seconds."""
    s3 = client(place.server)
    config = TransferConfig(multipart_threshold=part_size, multipart_chunksize=part_size, max_concurrency=at_once)
    began = time.monotonic()
    s3.upload_file(str(file), place.server.bucket, "bench/boto3", Config=config)
    seconds = time.monotonic() - began
    _empty(place)
    return seconds


def _empty(place: Place) -> None:
    """Delete what is there, so that each upload finds as much room."""
    s3 = client(place.server)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=place.server.bucket):
        for each in page.get("Contents", []):
            s3.delete_object(Bucket=place.server.bucket, Key=each["Key"])


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    """Run `assay up` without workers in a folder of its own."""
    data = folder / "data"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    process = subprocess.Popen(
        python("app", "up", "--port", "0", "--workers", "0", "--data", str(data)),
        env={**inherited, "PYTHONPATH": import_path(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        base = next(_addresses(process), None)
        server = find(data)
        if base is None or server is None:
            raise Unavailable("The site of the measurement does not start.")
        threading.Thread(target=_drain, args=(process,), daemon=True).start()
        token = _candidate(data)
        caller = Caller(base, token, urllib3.PoolManager(maxsize=20, retries=False, timeout=60))
        yield Place(caller, server, _submission(caller), site_of(process.pid))
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        if process.stdout:
            process.stdout.close()


def _addresses(process: "subprocess.Popen[str]") -> Iterator[str]:
    for line in process.stdout or ():
        yield from re.findall(r"http://127\.0\.0\.1:\d+", line)


def _drain(process: "subprocess.Popen[str]") -> None:
    for _ in process.stdout or ():
        pass


def _candidate(data: Path) -> str:
    """Add a candidate to the site's database and return their token."""
    now, engine = datetime.now(UTC), make_engine(f"sqlite:///{data / 'assay.sqlite3'}")
    try:
        with writing(engine) as session:
            organisation = add_organisation(session, code="bench", name="Bench", now=now)
            content = json.loads(Path(CONTENT).read_text())
            import_file(session, file=read_file(content), organisation_id=organisation.id, now=now)
            new = NewPerson(email="bench@example.org", name="Bench", roles=(Role.CANDIDATE,))
            person = add_person(session, organisation_id=organisation.id, new=new, now=now)
            return make_token(session, person=person, organisation_id=organisation.id, now=now)
    finally:
        engine.dispose()


def _submission(caller: Caller) -> str:
    rubric = next(each for each in caller.call("GET", "/api/v1/rubrics")["items"] if each["code"] == RUBRIC)
    made = caller.call("POST", "/api/v1/submissions", {"rubric_id": rubric["id"], "language": "en"})
    return str(made["id"])
