"""Nothing that a media tool does reaches beyond its input, its output folder and its limits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Unavailable
from workers.media import jail
from workers.media.calls import denied
from workers.media.probe import TooHeavy, must_have_run
from workers.media.sandbox import MUST_FAIL, MUST_WORK, Confinement, Limits, Sandbox, open_sandbox
from workers.media.tools import Tools
from workers.media.watch import Ended

SHORT = Limits(cpu_seconds=20, wall_seconds=20, file_bytes=1 << 20)
HIDDEN = {"FileNotFoundError", "nothing written", "ProcessLookupError"}  # bubblewrap shows nothing of the outside
ENDLESS = ("-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-c:v", "libx264", "-f", "null", "-")


def wait_until(true: Callable[[], bool], *, seconds: float = 15) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(params=["landlock", "bwrap"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    try:
        return open_sandbox(request.param)
    except Unavailable as error:
        pytest.skip(str(error))


def test_a_confined_tool_reads_writes_and_connects_to_nothing_else(sandbox: Sandbox) -> None:
    tried = sandbox.self_test()
    assert {name: tried[name] for name in MUST_WORK} == dict.fromkeys(MUST_WORK, "done")
    by_the_kernel = {"PermissionError", *(HIDDEN if sandbox.confinement is Confinement.BWRAP else ())}
    assert {tried[name] for name in MUST_FAIL} <= by_the_kernel, tried
    assert sandbox.why_unsafe() == ""


def test_without_a_sandbox_the_self_test_finds_every_hole() -> None:
    tried = open_sandbox("off").self_test()
    assert {tried[name] for name in (*MUST_FAIL, *MUST_WORK)} == {"done"}


def test_with_no_sandbox_every_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    sandbox = Sandbox(None, 0, refusal="Recordings are not processed: install bubblewrap")
    with pytest.raises(Unavailable, match="install bubblewrap"):
        sandbox.run(["/bin/true"], reads=[], out_dir=tmp_path, limits=SHORT)


def test_a_jail_that_can_not_be_built_makes_work_wait_and_no_tool_can_say_so(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        sandbox.run([tmp_path / "none-such"], reads=[], out_dir=tmp_path, limits=SHORT)
    liar = ["/bin/sh", "-c", f'echo "jail: no such thing" >&2; exit {jail.BROKEN}']
    run = sandbox.run(liar, reads=[], out_dir=tmp_path, limits=SHORT)
    assert (run.returncode, run.stderr) == (jail.BROKEN, "jail: no such thing\n")


def test_a_mode_that_does_not_work_here_stops_the_start() -> None:
    if shutil.which("bwrap"):
        pytest.skip("bubblewrap is installed here")
    with pytest.raises(Unavailable, match=r"bwrap .* not installed"):
        open_sandbox("bwrap")


def test_the_tool_may_read_its_input_and_no_other_file(
    sandbox: Sandbox, tools: Tools, good_mp4: Path, tmp_path: Path
) -> None:
    command = [tools.binaries.ffprobe, "-v", "error", "-show_format", "-of", "json"]
    seen = sandbox.run([*command, good_mp4], reads=[good_mp4], out_dir=tmp_path, limits=SHORT)
    assert json.loads(seen.stdout)["format"]["format_name"].startswith("mov")
    unseen = sandbox.run([*command, good_mp4], reads=[], out_dir=tmp_path, limits=SHORT)
    assert not unseen.ok


def test_progress_is_told_in_seconds_of_media(tools: Tools, good_mp4: Path, tmp_path: Path) -> None:
    told: list[float] = []
    command = [tools.binaries.ffmpeg, "-nostdin", "-progress", "pipe:1", "-i", good_mp4, "-f", "null", "-"]
    run = tools.sandbox.run(command, reads=[good_mp4], out_dir=tmp_path, limits=SHORT, on_progress=told.append)
    assert run.ok
    assert told[-1] == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(
    ("limits", "cancelled", "ended"),
    [
        (Limits(cpu_seconds=60, wall_seconds=0.5), None, Ended.TIMEOUT),
        (Limits(cpu_seconds=60, wall_seconds=60), lambda: True, Ended.CANCELLED),
    ],
)
@pytest.mark.parametrize("silent", [False, True])
def test_an_endless_tool_is_ended(
    silent: bool, tools: Tools, tmp_path: Path, limits: Limits, cancelled, ended: Ended
) -> None:
    command = [str(tools.binaries.ffmpeg), "-nostdin", *ENDLESS]
    if silent:  # it closes its pipes, so that nobody hears when it ends
        command = ["/bin/sh", "-c", 'exec "$0" "$@" >&- 2>&-', *command]
    reads = [tools.binaries.ffmpeg]
    run = tools.sandbox.run(command, reads=reads, out_dir=tmp_path, limits=limits, cancelled=cancelled)
    assert (run.ended, run.returncode, run.ok) == (ended, -signal.SIGKILL, False)


def test_too_much_cpu_too_much_output_and_too_large_a_file_end_the_tool(tools: Tools, tmp_path: Path) -> None:
    ffmpeg = [tools.binaries.ffmpeg, "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25"]
    cpu = tools.sandbox.run(
        [*ffmpeg, "-f", "null", "-"], reads=[], out_dir=tmp_path, limits=Limits(cpu_seconds=1, wall_seconds=30)
    )
    with pytest.raises(TooHeavy):  # a new try would end the same way, after as many hours
        must_have_run(cpu)
    flood = tools.sandbox.run(
        [*ffmpeg, "-f", "rawvideo", "-"], reads=[], out_dir=tmp_path, limits=Limits(cpu_seconds=20, wall_seconds=30)
    )
    assert flood.ended is Ended.TOO_MUCH_OUTPUT
    large = tools.sandbox.run([*ffmpeg, "-f", "rawvideo", "large"], reads=[], out_dir=tmp_path, limits=SHORT)
    assert not large.ok
    assert (tmp_path / "large").stat().st_size <= SHORT.file_bytes


def test_too_much_memory_is_not_had(tools: Tools, tmp_path: Path) -> None:
    large = [tools.binaries.ffmpeg, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=s=16000x16000:d=0.04"]
    for memory_bytes, had in ((1 << 28, False), (1 << 31, True)):
        limits = Limits(cpu_seconds=20, wall_seconds=20, memory_bytes=memory_bytes)
        run = tools.sandbox.run([*large, "-f", "null", "-"], reads=[], out_dir=tmp_path, limits=limits)
        assert ("memory" in run.stderr) is not had


def test_an_error_while_listening_ends_the_tool_and_goes_on(tools: Tools, tmp_path: Path) -> None:
    def stop(_seconds: float) -> None:
        raise LookupError("the lease is lost")

    command = [tools.binaries.ffmpeg, "-nostdin", "-progress", "pipe:1", *ENDLESS]
    others = children_of(os.getpid())  # what fixtures of other tests keep running
    with pytest.raises(LookupError):
        tools.sandbox.run(command, reads=[], out_dir=tmp_path, limits=SHORT, on_progress=stop)
    assert set(children_of(os.getpid())) <= set(others)


def children_of(pid: int) -> list[int]:
    """List the live processes whose parent this is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


WORKER = """
import sys, threading
from pathlib import Path
from workers.media.probe import TooHeavy, must_have_run
from workers.media.sandbox import Limits, open_sandbox
sandbox, out = open_sandbox(sys.argv[1]), Path(sys.argv[2])
limits = Limits(cpu_seconds=60, wall_seconds=60)
job = threading.Thread(target=lambda: sandbox.run(sys.argv[3:], reads=[], out_dir=out, limits=limits))
job.start(); job.join()
"""


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_the_tool_dies_with_a_worker_that_is_killed(tools: Tools, tmp_path: Path, mode: str) -> None:
    command = [str(tools.binaries.ffmpeg), "-nostdin", *ENDLESS]
    worker = subprocess.Popen([sys.executable, "-c", WORKER, mode, str(tmp_path), *command])
    try:
        wait_until(lambda: bool(tools_of(worker.pid)))
        (tool,) = tools_of(worker.pid)
    finally:
        worker.kill()
        worker.wait()
    wait_until(lambda: not runs(tool, "ffmpeg"))


def tools_of(pid: int) -> list[int]:
    """List the media tools below a process, through bubblewrap where that stands between."""
    found = []
    for child in children_of(pid):
        found += [child] if runs(child, "ffmpeg") else tools_of(child)
    return found


def runs(pid: int, word: str) -> bool:
    try:
        return word in str(Path(f"/proc/{pid}/exe").readlink())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def test_runs_in_many_threads_do_not_disturb_each_other(tools: Tools, good_mp4: Path, tmp_path: Path) -> None:
    command = [tools.binaries.ffprobe, "-v", "error", "-show_format", good_mp4]
    results: list[bool] = []

    def run() -> None:
        results.append(tools.sandbox.run(command, reads=[good_mp4], out_dir=tmp_path, limits=SHORT).ok)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_step_of_the_filter_stays_inside_it(machine: str) -> None:
    program = jail.seccomp_program(machine, 1234, denied(machine))
    steps = [program[start : start + 8] for start in range(0, len(program), 8)]
    for place, step in enumerate(steps):
        assert place + 1 + max(step[2], step[3]) < len(steps) or step[0] == jail.RETURN
    assert Confinement("auto") is Confinement.AUTO


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(jail.Broken, match="riscv64"):
        jail.seccomp_program("riscv64", 1, denied("riscv64"))
