"""Starting the speech child: its command, what it gets to know, and the thread that it must not outlive."""

import os
import socket
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from threading import Thread

from app import leash
from workers.speech.wire import Wire

ROOT = Path(__file__).parents[2]
PRIVATE = ("ASSAY_", "AWS_", "S3_", "PG")  # the child reads what strangers recorded: it gets no secrets


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How a child runs.

    `model`: a name, or the path of a model that the transcriber reads. `threads`: how many chunks of a recording are
    heard at the same time, on a processor.
    """

    transcriber: str = "openai-whisper"
    model: str = "base"
    device: str = "auto"
    folder: Path | None = None
    threads: int = 1
    idle: timedelta = timedelta(minutes=10)
    start_within: timedelta = timedelta(minutes=30)  # a large model may have to be downloaded first
    chunk_within: timedelta = timedelta(minutes=15)
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A child, our end of the wire to it, and its exit status once it has ended."""

    process: Popen[bytes]
    wire: Wire
    ended: Future[int]


def spawn(options: SpeechOptions) -> Running:
    """Start a child. Raises OSError."""
    ours, theirs = socket.socketpair()
    started: Future[Popen[bytes]] = Future()
    ended: Future[int] = Future()
    command = _command(options)
    Thread(target=_keep, args=(command, options, theirs, started, ended), daemon=True).start()
    try:
        return Running(started.result(), Wire(ours), ended)
    except OSError:
        ours.close()
        raise


def _keep(
    command: list[str],
    options: SpeechOptions,
    theirs: socket.socket,
    started: Future[Popen[bytes]],
    ended: Future[int],
) -> None:
    """Start the child and stay until it ends: the kernel kills it when the thread that started it goes."""
    try:
        # Standard output goes where errors go: what a library prints must not get between the messages.
        process = Popen(_leashed(command), stdin=theirs.fileno(), stdout=2, env=_environment(options))
    except OSError as error:
        started.set_exception(error)
        return
    finally:
        theirs.close()
    started.set_result(process)
    ended.set_result(process.wait())


def _command(options: SpeechOptions) -> list[str]:
    # -P: whatever lies in the folder where the worker was started is not for us
    command = [sys.executable, "-P", "-m", "workers.speech.child", "--parent", str(os.getpid())]
    command += [
        "--transcriber",
        options.transcriber,
        "--model",
        options.model,
        "--device",
        options.device,
        "--threads",
        str(options.threads),
    ]
    command += ["--idle-s", str(options.idle.total_seconds())]
    command += ["--folder", str(options.folder)] if options.folder else []
    return command + (["--offline"] if options.offline else [])


def _leashed(command: list[str]) -> list[str]:
    """Have the kernel's word from the first instant: importing torch takes seconds, in which we may be killed.

    Elsewhere than on Linux the child notices by its closed socket, once it runs.
    """
    return leash.leashed(command) if sys.platform == "linux" else command


def _environment(options: SpeechOptions) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    # Each of the child's own threads works alone: what the libraries would start beside it waits more than it works.
    kept |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    if options.folder:
        kept["NUMBA_CACHE_DIR"] = str(options.folder / "numba")
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
