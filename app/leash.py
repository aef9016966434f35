"""Children that die with their parent: `kill -9` of a supervisor must leave no process behind.

On Linux the kernel does it (PR_SET_PDEATHSIG, kept across `exec`). It acts when the *thread* that started
the child ends, so start children from the main thread or from one that lives as long as they should.
Elsewhere this small program stays between the two and watches. It is started by its path, without our
packages, to be quick.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def leashed(command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` as a child that dies when this process does."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def die_with(parent: int) -> bool:
    """Ask the kernel to kill this process when its parent dies; False where the kernel can't."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        return False
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    return True


def watch(parent: int, command: Sequence[str]) -> int:
    """Run the command and kill it when the parent is gone; signals are passed on. Returns its exit status."""
    child = subprocess.Popen(command, close_fds=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(POLL_SECONDS)
    return child.returncode


def main() -> None:
    """`leash.py PARENT_PID COMMAND ...`."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if not die_with(parent):
        sys.exit(watch(parent, command))
    os.execvp(command[0], command)  # noqa: S606  # replaces this process by an argument list, no shell


if __name__ == "__main__":
    main()
