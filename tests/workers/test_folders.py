"""Work files of several workers on one data folder: the living keep theirs, the dead leave nothing."""

import os
import subprocess
import sys
from pathlib import Path

from app.storage.embedded import wait_for
from workers.folders import work_folder

HOLDS = """
import sys, pathlib
from workers.folders import work_folder
with work_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "job-1").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def holder(work: Path) -> tuple["subprocess.Popen[str]", Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_new_worker_removes_what_killed_ones_left_and_nothing_of_the_living(tmp_path: Path) -> None:
    (living, kept), (killed, left) = holder(tmp_path / "work"), holder(tmp_path / "work")
    end(killed)
    os.utime(kept, (0, 0))  # a job may take as long as it needs
    try:
        with work_folder(tmp_path / "work") as mine:
            assert (kept / "job-1").is_dir()
            assert not left.exists()
            assert mine not in {kept, left}
        assert not mine.exists()
    finally:
        end(living)


def test_workers_that_start_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    (tmp_path / "work" / "worker-dead" / "job-1").mkdir(parents=True)
    holders = [holder(tmp_path / "work") for _ in range(4)]
    try:
        assert wait_for(lambda: all((folder / "job-1").is_dir() for _, folder in holders), 10)
        assert not (tmp_path / "work" / "worker-dead").exists()
        assert len({folder for _, folder in holders}) == 4
    finally:
        for process, _ in holders:
            end(process)
