"""A machine of its own for a process: a network namespace on a cable that can be pulled. For root on Linux."""

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from random import SystemRandom
from types import TracebackType
from typing import Self


def may_be_made() -> bool:
    """Say whether this machine lets us make namespaces."""
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("iptables")):
        return False
    name = f"assay{uuid.uuid4().hex[:6]}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode == 0
    if made:
        _run("ip", "netns", "del", name)
    return made


def _net() -> str:
    dice = SystemRandom()
    return f"10.213.{dice.randrange(256)}.{dice.randrange(0, 256, 4)}"


@dataclass
class Wire:
    """`command` starts a program on the other machine; `here` is our address there."""

    name: str = field(default_factory=lambda: f"assay{uuid.uuid4().hex[:6]}")
    net: str = field(default_factory=_net)

    @property
    def here(self) -> str:
        head, _, last = self.net.rpartition(".")
        return f"{head}.{int(last) + 1}"

    @property
    def there(self) -> str:
        head, _, last = self.net.rpartition(".")
        return f"{head}.{int(last) + 2}"

    @property
    def command(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def __enter__(self) -> Self:
        ours, theirs = f"{self.name}a", f"{self.name}b"
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", self.name)
        _run("ip", "addr", "add", f"{self.here}/30", "dev", ours)
        _run("ip", "link", "set", ours, "up")
        for each in (["addr", "add", f"{self.there}/30", "dev", theirs], ["link", "set", theirs, "up"]):
            _run(*self.command, "ip", *each)
        _run(*self.command, "ip", "link", "set", "lo", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _run("ip", "netns", "del", self.name)

    def cut(self) -> None:
        """Drop every packet in both directions, without a word to anybody."""
        for chain in ("INPUT", "OUTPUT"):
            _run(*self.command, "iptables", "-A", chain, "-j", "DROP")

    def mend(self) -> None:
        """Let packets through again."""
        _run(*self.command, "iptables", "-F")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
