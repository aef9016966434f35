"""How much memory a process has, looked at while something else goes on. Linux tells it in /proc; others don't."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Memory:
    """The resident memory of a process, in KiB."""

    pid: int
    peak_kib: int | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    @staticmethod
    def of(pid: int) -> int | None:
        """Return the memory of a process now; None where that is not told."""
        try:
            lines = (PROC / str(pid) / "status").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), None)

    @classmethod
    @contextmanager
    def watched(cls, pid: int) -> Iterator["Memory"]:
        """Watch a process for the length of a block."""
        memory = cls(pid)
        thread = threading.Thread(target=memory._watch)
        thread.start()
        try:
            yield memory
        finally:
            memory._over.set()
            thread.join()

    def _watch(self) -> None:
        while True:
            found = self.of(self.pid)
            self.peak_kib = max((each for each in (found, self.peak_kib) if each is not None), default=None)
            if self._over.wait(LOOK_SECONDS):
                return


def site_of(supervisor: int) -> int:
    """Return the process of the site that `assay up` started; 0 where the system does not tell."""
    for each in PROC.glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
            parent = int((each.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        if parent == supervisor and b"serve" in words:
            return int(each.parent.name)
    return 0
