"""The original of a long recording, kept for the next of its jobs: one fetch for a worker, not one for each job.

A recording of two hours is a dozen jobs, and each needs all of its original. Whoever takes it hashes it first, as
after a fetch: what was read from the disk is what was inspected. It goes a minute after the last job that used it.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

KEEP_SECONDS = 60.0
LOOK_SECONDS = 1.0  # how soon a job that waits for another one's fetch notices that it must stop


@dataclass(slots=True)
class _Held:
    path: Path
    busy: threading.Lock = field(default_factory=threading.Lock)  # held while it is fetched or hashed
    users: int = 0
    leaving: threading.Timer | None = None


class Originals:
    """What this process has at hand, by digest, in its work folder; that folder goes when the process does."""

    def __init__(self, folder: Path, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self._folder = folder
        self._keep_seconds = keep_seconds
        self._door = threading.Lock()
        self._held: dict[str, _Held] = {}

    @contextmanager
    def at_hand(self, sha256: str, *, bring: Callable[[Path], None], check: Callable[[], None]) -> Iterator[Path]:
        """Open the original with this digest for a block, brought to a path by `bring` unless it is here already.

        `check` is asked while another thread brings it, and raises when this one has to stop.
        """
        held = self._taken(sha256)
        try:
            with _locked(held.busy, check):
                if not _is_whole(held.path, sha256):
                    part = held.path.with_suffix(".part")
                    bring(part)
                    part.replace(held.path)  # whoever still reads a copy that was spoilt meanwhile keeps that one
            yield held.path
        finally:
            self._given_back(sha256, held)

    def _taken(self, sha256: str) -> _Held:
        with self._door:
            held = self._held.setdefault(sha256, _Held(self._folder / f"original-{sha256}"))
            held.users += 1
            if held.leaving:
                held.leaving.cancel()
            return held

    def _given_back(self, sha256: str, held: _Held) -> None:
        with self._door:
            held.users -= 1
            if not held.users:
                held.leaving = threading.Timer(self._keep_seconds, self._forget, (sha256, held))
                held.leaving.daemon = True
                held.leaving.start()

    def _forget(self, sha256: str, held: _Held) -> None:
        with self._door:
            if not held.users and self._held.get(sha256) is held:
                del self._held[sha256]
                held.path.unlink(missing_ok=True)
                held.path.with_suffix(".part").unlink(missing_ok=True)


@contextmanager
def _locked(lock: threading.Lock, check: Callable[[], None]) -> Iterator[None]:
    while not lock.acquire(timeout=LOOK_SECONDS):
        check()
    try:
        yield
    finally:
        lock.release()


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
