"""A worker fetches the original of a long recording once for all of its jobs, and trusts no copy unseen."""

import hashlib
import threading
from pathlib import Path

import pytest

from app.storage.embedded import wait_for
from workers.evidence.originals import Originals

CONTENT = b"a recording of two hours"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Fetches:
    """Brings the content, each time when it is let."""

    def __init__(self) -> None:
        self.count = 0
        self.let = threading.Event()

    def __call__(self, path: Path) -> None:
        self.count += 1
        assert self.let.wait(10)
        path.write_bytes(CONTENT)


def nothing() -> None:
    """Nobody has to stop."""


def read(originals: Originals, fetches: Fetches) -> bytes:
    with originals.at_hand(DIGEST, bring=fetches, check=nothing) as path:
        return path.read_bytes()


def test_jobs_that_need_it_at_the_same_time_wait_for_one_fetch(tmp_path: Path) -> None:
    originals, fetches, found = Originals(tmp_path), Fetches(), []
    jobs = [threading.Thread(target=lambda: found.append(read(originals, fetches))) for _ in range(4)]
    for job in jobs:
        job.start()
    assert wait_for(lambda: fetches.count == 1, 10)
    fetches.let.set()
    for job in jobs:
        job.join()
    assert (found, fetches.count) == ([CONTENT] * 4, 1)
    assert read(originals, fetches) == CONTENT
    assert fetches.count == 1


def test_a_copy_that_was_changed_on_the_disk_is_fetched_anew(tmp_path: Path) -> None:
    originals, fetches = Originals(tmp_path), Fetches()
    fetches.let.set()
    with originals.at_hand(DIGEST, bring=fetches, check=nothing) as path:
        path.write_bytes(b"something else")
        assert read(originals, fetches) == CONTENT
    assert fetches.count == 2


def test_a_fetch_that_fails_is_the_failure_of_its_job_alone(tmp_path: Path) -> None:
    originals, fetches = Originals(tmp_path), Fetches()
    fetches.let.set()

    def broken(_path: Path) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError), originals.at_hand(DIGEST, bring=broken, check=nothing):
        pass
    assert read(originals, fetches) == CONTENT


def test_who_has_to_stop_does_not_wait_for_another_ones_fetch(tmp_path: Path) -> None:
    originals, fetches = Originals(tmp_path), Fetches()
    job = threading.Thread(target=read, args=(originals, fetches))
    job.start()
    assert wait_for(lambda: fetches.count == 1, 10)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError), originals.at_hand(DIGEST, bring=fetches, check=stop):
        pass
    fetches.let.set()
    job.join()


def test_it_goes_when_nobody_has_used_it_for_a_while(tmp_path: Path) -> None:
    originals, fetches = Originals(tmp_path, keep_seconds=0.1), Fetches()
    fetches.let.set()
    assert read(originals, fetches) == CONTENT
    assert wait_for(lambda: not list(tmp_path.iterdir()), 10)
    assert read(originals, fetches) == CONTENT
    assert fetches.count == 2
