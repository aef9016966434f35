"""Runs `assay` in a process of its own, forked from a warm one: what a user sees, but for the time of its imports."""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

from app.cli.root import COMMANDS, GROUPS

SECONDS = 120
WARM = ["app.main", *sorted({place.partition(":")[0] for place in (COMMANDS | GROUPS).values()})]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(WARM)


def assay(*arguments: str, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Run a command to its end with this environment. TimeoutError after two minutes."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _forks.Process(target=_become, args=(arguments, dict(env), out, err))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"assay {' '.join(arguments)} did not end: {out.read_text()} {err.read_text()}")
        return CompletedProcess(["assay", *arguments], process.exitcode, out.read_text(), err.read_text())


def _become(arguments: tuple[str, ...], env: dict[str, str], out: Path, err: Path) -> None:
    for number, path in ((0, Path(os.devnull)), (1, out), (2, err)):
        target = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(target, number)
        os.close(target)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["assay", *arguments]
    runpy.run_module("app", run_name="__main__")
