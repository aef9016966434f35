"""The supervisor with small real child processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Conflict, Unavailable
from app.storage.embedded import wait_for
from app.supervisor import folder
from app.supervisor.parts import Part, spawn, tail, turn_over
from app.supervisor.watch import Stopped, Supervisor

STAY = "import signal, sys, pathlib; pathlib.Path(sys.argv[1]).write_text('up');print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + STAY


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(say=said.append)
    yield made
    made.stop()


def a_part(tmp_path: Path, name: str, code: str = STAY, *, stop_seconds: float = 5) -> Part:
    mark, log = tmp_path / f"{name}.mark", tmp_path / f"{name}.log"

    def start() -> subprocess.Popen[bytes]:
        mark.unlink(missing_ok=True)
        return spawn([sys.executable, "-c", code, str(mark)], env=os.environ, log=log)

    return Part(name, start, mark.exists, log, stop_seconds)


def test_parts_are_ready_before_start_returns(tmp_path: Path, supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start([a_part(tmp_path, "one"), a_part(tmp_path, "two")])
    assert said == ["one: ready", "two: ready"]


def test_a_part_that_ends_is_started_again_and_its_log_is_shown(
    tmp_path: Path, supervisor: Supervisor, said: list[str]
) -> None:
    part = a_part(tmp_path, "one")
    supervisor.start([part])
    supervisor.ask_to_restart("one")
    assert wait_for(lambda: supervisor.look() or any("starts again" in line for line in said), 10)
    (tmp_path / "one.mark").unlink(missing_ok=True)
    assert wait_for(lambda: supervisor.look() or part.ready(), 10)
    assert "  up" in said


def test_a_part_that_cannot_start_says_why(tmp_path: Path, supervisor: Supervisor) -> None:
    with pytest.raises(Unavailable, match="no such table"):
        supervisor.start([a_part(tmp_path, "one", "raise SystemExit('no such table')")])


def test_a_part_that_ignores_the_wish_to_stop_is_killed(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor(say=said.append)
    part = a_part(tmp_path, "stubborn", STUBBORN, stop_seconds=0.2)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(part.start())
        return started[-1]

    supervisor.start([Part("stubborn", start, part.ready, part.log, 0.2)])
    supervisor.stop()
    assert started[0].returncode == -signal.SIGKILL


def test_a_signal_while_starting_stops_the_start(tmp_path: Path, said: list[str]) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    supervisor = Supervisor(say=said.append)
    supervisor.listen()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            supervisor.start([a_part(tmp_path, "never", "import signal; signal.pause()")])
    finally:
        supervisor.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_child_dies_with_its_killed_parent(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib; from app.supervisor.parts import spawn;"
        f"spawn([sys.executable, '-c', {STAY!r}, sys.argv[1] + '/mark'], env=os.environ, "
        "log=pathlib.Path(sys.argv[1]) / 'log', pass_fds=(int(sys.argv[2]),));"
        "signal.pause()"
    )
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as end_of_child:
        command = [sys.executable, "-c", code, str(tmp_path), str(writer)]
        with subprocess.Popen(command, pass_fds=(writer,)) as parent:
            os.close(writer)
            assert wait_for((tmp_path / "mark").exists, 20)
            parent.kill()
        assert end_of_child.read() == b""  # the pipe closes when nobody who has it is alive


def test_a_second_supervisor_is_told_who_has_the_folder(tmp_path: Path) -> None:
    with folder.lock(tmp_path), pytest.raises(Conflict, match=f"process {os.getpid()}"):
        folder.lock(tmp_path)
    folder.lock(tmp_path).close()


def test_a_long_log_is_turned_over(tmp_path: Path) -> None:
    log = tmp_path / "site.log"
    log.write_bytes(b"x" * 11 * 1024 * 1024)
    turn_over(log)
    assert not log.exists()
    assert (tmp_path / "site.old.log").exists()
    assert tail(log, lines=3) == []
