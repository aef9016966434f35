"""The child's life: it dies alone, leaves when idle, and never outlives its worker."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from workers.speech import starting
from workers.speech.client import (
    NoSpeechDevice,
    NoSpeechModel,
    SpeechChild,
    TranscriberFailed,
    TranscriberStopped,
)
from workers.speech.plans import Plan
from workers.speech.starting import SpeechOptions
from workers.speech.wire import Nonsense, Wire

pytestmark = pytest.mark.speech

WORKER = """
import sys
from pathlib import Path
from workers.speech.client import SpeechChild
from workers.speech.starting import SpeechOptions
child = SpeechChild(SpeechOptions(folder=Path(sys.argv[1]), offline=True))
child.plan(Path(sys.argv[2]), language="en")
print(child.pid, flush=True)
sys.stdin.read()
"""


def eventually(condition, *, within_s=30.0):
    """Wait for a condition."""
    until = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return found


def is_gone(pid):
    """Say whether a process has ended; one that nobody has buried yet has ended too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def torch_has_gpu():
    return Path("/dev/nvidia0").exists()


@pytest.fixture(scope="module")
def quiet_wav(studio):
    return studio.sound("a-second.wav", "anullsrc=r=16000:d=1")


def test_killed_child_is_an_error_once_and_the_next_call_works(options, quiet_wav):
    with SpeechChild(options) as child, ThreadPoolExecutor(1) as pool:
        call = pool.submit(child.plan, quiet_wav, language="en")
        os.kill(eventually(lambda: child.pid), signal.SIGKILL)

        with pytest.raises(TranscriberStopped, match="lack of memory"):
            call.result()
        assert child.plan(quiet_wav, language="en").chunks == ()

        os.kill(child.pid, signal.SIGKILL)
        eventually(lambda: child.pid is None)
        assert child.plan(quiet_wav, language="en").chunks == ()


@pytest.mark.skipif(torch_has_gpu(), reason="there is a GPU here")
def test_a_gpu_that_is_asked_for_and_not_there_is_said(options, quiet_wav):
    with SpeechChild(replace(options, device="cuda")) as child, pytest.raises(NoSpeechDevice, match="no GPU"):
        child.plan(quiet_wav, language="en")


def test_stop_interrupts_a_call(options, quiet_wav):
    with SpeechChild(options) as child, ThreadPoolExecutor(1) as pool:
        call = pool.submit(child.plan, quiet_wav, language="en")
        eventually(lambda: child.pid)

        child.stop()

        with pytest.raises(TranscriberStopped):
            call.result()
        assert child.pid is None


def test_idle_child_leaves_and_comes_back_when_asked(options, quiet_wav):
    with SpeechChild(replace(options, idle=timedelta(milliseconds=20))) as child:
        child.plan(quiet_wav, language="en")
        eventually(lambda: child.pid is None)

        assert child.plan(quiet_wav, language="en").chunks == ()


def test_child_dies_with_its_killed_worker(model_folder, quiet_wav):
    command = [sys.executable, "-c", WORKER, str(model_folder), str(quiet_wav)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        assert not is_gone(pid)

        worker.kill()

        eventually(lambda: is_gone(pid))


def test_missing_model_is_said_and_the_worker_lives_on(options, quiet_wav, tmp_path):
    with SpeechChild(replace(options, model=str(tmp_path / "small.pt"))) as child:
        with pytest.raises(NoSpeechModel, match=r"small\.pt"):
            child.plan(quiet_wav, language="en")
        assert child.pid is None


def test_worker_side_never_loads_torch():
    code = "import sys, workers.speech.client; print({'torch', 'whisper', 'numpy'} & set(sys.modules))"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"


LIAR = """
import socket
wire = socket.socket(fileno=0)
wire.sendall(b'{"ready": 1, "device": "cpu"}\\n')
wire.recv(1 << 20)
%s
"""
PLAN = {
    "id": "p",
    "wav_sha256": "ab" * 32,
    "duration_ms": 2_000,
    "language": "en",
    "engine": {"name": "n", "version": "1", "model": "m", "model_sha256": "cd" * 32, "settings": "s"},
    "chunks": [{"spans": [{"start_ms": 0, "end_ms": 2_000}], "cut_in_speech": False}],
    "silences": [],
}


def chunk(**more: object) -> dict[str, object]:
    return {"answer": {"chunks": [{"plan_id": "p", "index": 0, "segments": [], "dropped": [], "guess": None} | more]}}


@pytest.mark.parametrize(
    "answer",
    [
        b"half a mess\xffage\n",
        b"[]\n",
        b'{"answer": NaN}\n',
        b'{"neither": 1}\n',
        b"[" * 100_000 + b"\n",
        json.dumps(chunk(index=1)).encode() + b"\n",
        json.dumps(chunk(plan_id="of another recording")).encode() + b"\n",
        json.dumps({"answer": {"chunks": []}}).encode() + b"\n",
    ],
)
def test_a_child_whose_answer_makes_no_sense_is_ended(
    answer: bytes, options: SpeechOptions, quiet_wav: Path, monkeypatch: pytest.MonkeyPatch
):
    script = LIAR % f"wire.sendall({answer!r}); wire.recv(1)"
    monkeypatch.setattr(starting, "_command", lambda _: [sys.executable, "-c", script])
    with SpeechChild(options) as child:
        with pytest.raises(TranscriberFailed, match="makes no sense"):
            child.transcribe(quiet_wav, plan=Plan.from_json(PLAN), indices=[0])
        assert child.pid is None  # so that the next recording is heard by another one


def test_a_message_without_end_is_given_up():
    ours, theirs = socket.socketpair()

    def flood() -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while True:
                theirs.sendall(b"x" * (1 << 20))

    with ThreadPoolExecutor(max_workers=1) as pool, theirs:
        pool.submit(flood)
        with ours, pytest.raises(Nonsense):
            Wire(ours).read(within_s=60)
