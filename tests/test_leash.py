"""The watcher for systems whose kernel can't end a child with its parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from app import leash
from app.storage.embedded import wait_for

WATCHING = "import sys; from app import leash; sys.exit(leash.watch(int(sys.argv[1]), sys.argv[2:]))"


def watching(parent: int, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WATCHING, str(parent), *command])


def test_the_exit_status_is_the_childs() -> None:
    assert watching(os.getpid(), sys.executable, "-c", "raise SystemExit(7)").wait(20) == 7


def test_a_child_whose_parent_is_gone_is_killed() -> None:
    assert watching(1, sys.executable, "-c", "import signal; signal.pause()").wait(20) == -signal.SIGKILL % 256


def test_sigterm_is_passed_on(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(5));"
        f"pathlib.Path({str(tmp_path / 'up')!r}).touch(); signal.pause()"
    )
    process = watching(os.getpid(), sys.executable, "-c", code)
    assert wait_for((tmp_path / "up").exists, 20)
    process.terminate()
    assert process.wait(20) == 5


def test_the_leash_becomes_the_command() -> None:
    shown = subprocess.run(leash.leashed(["/bin/echo", "held"]), capture_output=True, text=True, check=True).stdout
    assert shown == "held\n"
