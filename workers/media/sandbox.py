"""The one way to start ffmpeg, ffprobe or another tool on bytes from outside: confined, limited, watched.

`open_sandbox` picks how (reliability notes 2.3); `Sandbox.run` starts `jail.py`, which confines itself and becomes
the tool. The tool sees the files in `reads`, may write in `out_dir`, has no network and ends with its
limits, with the caller or with the worker, whichever comes first.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.errors import Unavailable
from workers.media import jail
from workers.media.calls import denied
from workers.media.watch import Ended, Lines, Watch, progress_lines

JAIL = Path(jail.__file__).resolve()
LIBRARIES = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
SYSTEM_READS = (*LIBRARIES, "/dev/null")
GIB, MIB = 1 << 30, 1 << 20
SIGNALLED, MOST_SIGNALS = 128, 31
MUST_FAIL = (
    *("read outside", "write outside", "change outside", "link to outside", "socket", "unix socket", "process"),
    *("outlive the worker", "limits of others"),
)
MUST_WORK = ("read inside", "write inside")


class Confinement(StrEnum):
    """How a tool is kept from everything but its input and its output folder; `ASSAY_SANDBOX`."""

    AUTO = "auto"
    LANDLOCK = "landlock"
    BWRAP = "bwrap"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. `file_bytes` is for each file it writes, `stdout_bytes` for its output."""

    cpu_seconds: int
    wall_seconds: float
    memory_bytes: int = 4 * GIB
    file_bytes: int = MIB
    stdout_bytes: int = 4 * MIB


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run went. `stderr` is its last part, at most 2 MiB. `returncode` is negative for a signal."""

    returncode: int
    stdout: bytes
    stderr: str
    ended: Ended

    @property
    def ok(self) -> bool:
        """Tell whether the tool ended by itself and says that all went well."""
        return self.ended is Ended.EXIT and self.returncode == 0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A launcher. `confinement` None means that none works here: then every run is refused with `refusal`."""

    confinement: Confinement | None
    landlock_abi: int
    refusal: str = ""

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        reads: Sequence[Path],
        out_dir: Path,
        limits: Limits,
        on_progress: Callable[[float], None] | None = None,
        on_line: Callable[[bytes], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Finished:
        """Run a tool to its end and return how it went; the first word of `command` is an absolute path.

        `on_progress` gets the seconds of media done, from ffmpeg's `-progress pipe:1`; an error it raises ends the
        tool and goes on to the caller. `on_line` gets each line of the output instead of it being kept. The
        calling thread must stay: the tool dies with it.
        Raises `Unavailable` when confinement is asked for and can't be had.
        """
        words = [os.fspath(word) for word in command]
        rules = self._rules([*reads, Path(words[0])], out_dir, limits)
        on_stdout = progress_lines(on_progress) if on_progress else Lines(on_line) if on_line else None
        watch = Watch(on_stdout=on_stdout, cancelled=cancelled)
        return self._start(rules, words, reads, out_dir, limits, watch)

    def _rules(self, reads: Sequence[Path], out_dir: Path, limits: Limits) -> dict[str, object]:
        confined = self.confinement is not Confinement.OFF
        return {
            "parent": 0 if self.confinement is Confinement.BWRAP else os.getpid(),
            "confined": confined,
            "landlock": confined and self.landlock_abi > 0,
            "denied": denied(os.uname().machine),
            "reads": [*SYSTEM_READS, *(str(path.resolve()) for path in reads)],
            "writes": [str(out_dir.resolve())],
            "limits": {
                "memory_bytes": limits.memory_bytes,
                "cpu_seconds": limits.cpu_seconds,
                "file_bytes": limits.file_bytes,
            },
        }

    def _start(
        self,
        rules: dict[str, object],
        words: Sequence[str],
        reads: Sequence[Path],
        out_dir: Path,
        limits: Limits,
        watch: Watch,
    ) -> Finished:
        if self.confinement is None:
            raise Unavailable(self.refusal, code="no-sandbox")
        # The jail's own messages bear a mark that no tool knows: work that waits for a better jail would wait for ever.
        mark = f"jail {secrets.token_hex(8)}: "
        argv = [sys.executable, "-I", "-S", str(JAIL), json.dumps({**rules, "mark": mark}), *words]
        if self.confinement is Confinement.BWRAP:
            argv = [*_bwrap([*reads, *map(Path, words[:1])], out_dir), *argv]
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd=out_dir,
            start_new_session=True,
        )
        seen = watch.until_end(process, wall_seconds=limits.wall_seconds, stdout_bytes=limits.stdout_bytes)
        stderr = seen.stderr.decode(errors="replace")
        if process.returncode == jail.BROKEN and stderr.startswith(mark):
            raise Unavailable(
                "The sandbox for media tools could not be built: %(reason)s",
                code="no-sandbox",
                reason=stderr.removeprefix(mark).strip(),
            )
        return Finished(self._status(process.returncode), bytes(seen.stdout), stderr, seen.ended)

    def _status(self, returncode: int) -> int:
        """Bubblewrap says 128 + n where its child was ended by signal n."""
        signalled = self.confinement is Confinement.BWRAP and SIGNALLED < returncode <= SIGNALLED + MOST_SIGNALS
        return SIGNALLED - returncode if signalled else returncode

    def self_test(self) -> dict[str, str]:
        """Return what a confined process could do: each of `MUST_FAIL` and `MUST_WORK`, 'done' or error."""
        with tempfile.TemporaryDirectory(prefix="assay-sandbox-") as name:
            folder = Path(name)
            inside, given = folder / "out", folder / "given"
            inside.mkdir()
            for path in (given, folder / "secret"):
                path.write_text("canary")
            limits = Limits(cpu_seconds=5, wall_seconds=10)
            rules = self._rules([given], inside, limits)
            rules["attempt"] = {
                "secret": str(folder / "secret"),
                "outside": str(folder / "written"),
                "given": str(given),
                "starter": str(os.getpid()),
                "result": str(inside / "result"),
                "link": str(inside / "link"),
            }
            answer = self._start(rules, [], [given], inside, limits, Watch())
            tried = dict(json.loads(answer.stdout)) if answer.ok else {"started": answer.stderr.strip()}
            if (
                tried.get("write outside") == "done" and not (folder / "written").exists()
            ):  # bubblewrap lets it write into thin air
                tried["write outside"] = "nothing written"
            return tried

    def why_unsafe(self) -> str:
        """Return what the self-test found wrong, or an empty text."""
        try:
            tried = self.self_test()
        except (Unavailable, OSError) as error:
            return str(error)
        wrong = [name for name in MUST_FAIL if tried.get(name, "done") == "done"]
        wrong += [name for name in MUST_WORK if tried.get(name) != "done"]
        return f"wrong answers for {', '.join(wrong)} ({tried})" if wrong else ""


def open_sandbox(mode: str) -> Sandbox:
    """Return the launcher for a mode of `ASSAY_SANDBOX`, proven by its self-test.

    `auto` takes the strongest that passes; with none, every run is refused until `off` is asked for by name.
    A mode asked for by name that fails raises `Unavailable`: the worker must not start with less.
    """
    wanted = Confinement(mode)
    abi = jail.landlock_abi(jail.libc()) if sys.platform == "linux" else 0
    if wanted is Confinement.OFF:
        return Sandbox(Confinement.OFF, 0)
    problems = []
    for confinement in (Confinement.BWRAP, Confinement.LANDLOCK) if wanted is Confinement.AUTO else (wanted,):
        problem = _why_impossible(confinement, abi) or Sandbox(confinement, abi).why_unsafe()
        if not problem:
            return Sandbox(confinement, abi)
        problems.append(f"{confinement}: {problem}")
    if wanted is Confinement.AUTO:
        return Sandbox(None, abi, refusal=_refusal(problems))
    raise Unavailable(
        "The sandbox %(mode)s does not work here: %(reason)s",
        code="no-sandbox",
        mode=mode,
        reason="; ".join(problems),
    )


def _why_impossible(confinement: Confinement, abi: int) -> str:
    if sys.platform != "linux":
        return "only Linux has it"
    if confinement is Confinement.LANDLOCK and not abi:
        return "this kernel has no Landlock"
    if confinement is Confinement.BWRAP and not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    return ""


def _refusal(problems: Sequence[str]) -> str:
    return (
        "Recordings are not processed: no sandbox for media tools works on this machine ("
        + "; ".join(problems).replace("%", "%%")
        + "). Use Linux 5.13 or newer, install bubblewrap, or accept the risk with ASSAY_SANDBOX=off."
    )


def _bwrap(reads: Sequence[Path], out_dir: Path) -> list[str]:
    """Return the start of a bubblewrap command: own namespaces, only what jail and tool need is there."""
    python = (sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"), str(JAIL))
    argv = [str(shutil.which("bwrap")), "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    for path in (*SYSTEM_READS, *python, *(str(path.resolve()) for path in reads)):
        argv += ["--ro-bind-try", path, path]
    out = str(out_dir.resolve())
    return [*argv, "--dev", "/dev", "--bind", out, out, "--chdir", out, "--"]
