"""What a measurement counts as used: the processor time of a worker and of all below it, running or ended."""

import os
import subprocess
import sys

from app.cli.bench_worker import cpu_s

BUSY = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"


def test_children_count_while_they_run_and_when_they_have_ended():
    before = cpu_s(os.getpid())
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"done\n"
        running = cpu_s(os.getpid()) - before
        child.communicate(b"\n")
    ended = cpu_s(os.getpid()) - before

    assert 0.35 <= running <= ended + 0.01  # the system counts in hundredths of a second
    assert cpu_s(child.pid) == 0
