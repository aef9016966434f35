"""A real clamd with a private database of two lines: the EICAR file, by its digest and by its bytes."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.storage.embedded import wait_for
from workers.clamd import Clamd, ScannerDown, eicar

PLACES = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin"
STREAM_BYTES = 4 << 20  # the largest file that it takes


@dataclass
class Daemon:
    """A clamd that tests start and stop; `address` is its socket."""

    program: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return str(self.folder / "socket")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [self.program, "--foreground", f"--config-file={self.folder / 'clamd.conf'}"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        assert wait_for(self._answers, 60), (self.folder / "log").read_text()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with suppress(ScannerDown):
            Clamd(self.address).ping()
            return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def clamd() -> Iterator[Daemon]:
    """Start one; the test is skipped where ClamAV is not installed."""
    program = shutil.which("clamd") or shutil.which("clamd", path=PLACES)
    if program is None:
        pytest.skip("clamd is not installed (Debian: apt-get install clamav-daemon)")
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:  # the path of a socket is short
        folder = Path(name)
        (folder / "signatures").mkdir()
        digest = hashlib.md5(eicar(), usedforsecurity=False).hexdigest()
        (folder / "signatures" / "test.hdb").write_text(f"{digest}:{len(eicar())}:Test-File\n")
        (folder / "signatures" / "test.ndb").write_text(f"Test-Bytes:0:*:{eicar().hex()}\n")
        (folder / "clamd.conf").write_text(
            f"DatabaseDirectory {folder / 'signatures'}\nLocalSocket {folder / 'socket'}\nForeground yes\n"
            f"TemporaryDirectory {folder}\nStreamMaxLength {STREAM_BYTES}\nFixStaleSocket yes\n"
            f"MaxFileSize {STREAM_BYTES // 2}\nMaxScanSize {STREAM_BYTES // 2}\nAlertExceedsMax yes\n"
        )
        daemon = Daemon(program, folder)
        daemon.start()
        try:
            yield daemon
        finally:
            daemon.stop()
