"""Runs `assay` as people do: as a program, with its exit status and both outputs."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.storage.embedded import wait_for
from app.supervisor.plan import import_path
from tests import warm


@dataclass(frozen=True)
class Shell:
    """A shell with one data folder and no storage but what it is told."""

    data_dir: Path

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "AWS_"))}
        return {**kept, "ASSAY_DATA_DIR": str(self.data_dir), "PYTHONPATH": import_path()}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "app", *arguments]

    def assay(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return warm.assay(*arguments, env={**self.env, **env})

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Start it in the background; what it says goes to `said`."""
        with self.said.open("wb") as output:
            return subprocess.Popen(
                self.command(*arguments),
                env={**self.env, **env},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.data_dir,
            )

    @property
    def said(self) -> Path:
        return self.data_dir / "said.txt"

    def address(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the first address that a starting Assay prints, and return it."""

        def seen() -> list[str]:
            return re.findall(r"http://\S+", self.said.read_text())

        assert wait_for(lambda: bool(seen()) or process.poll() is not None, 120)
        assert seen(), self.said.read_text()
        return seen()[0]


def children(data_dir: Path) -> list[int]:
    """Return the living processes that work for this data folder, found by their command line or environment."""
    needle, found = str(data_dir).encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            seen = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if needle in seen and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
