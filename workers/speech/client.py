"""The worker's side of transcription: start the speech child when needed, ask it, say clearly when it died.

Nothing here loads torch or the model: a worker that is not transcribing stays small.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from threading import Lock, Thread
from typing import Any, NoReturn, Self

from app import leash
from app.errors import Conflict, Invalid, Unavailable
from workers.speech.plans import ChunkResult, Plan
from workers.speech.wire import Closed, Message, Wire

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
PRIVATE = ("ASSAY_", "AWS_", "S3_", "PG")  # the child reads what strangers recorded: it gets no secrets
WAV_BYTES_A_SECOND = 32_000


class TranscriberStopped(Unavailable):
    """The child died while it was asked: killed for memory, or by an operator. The next call starts one."""

    default_code = "transcriber-stopped"


class TranscriberTooSlow(Unavailable):
    """A request took longer than any should; the child was ended."""

    default_code = "transcriber-too-slow"


class NoSpeechModel(Unavailable):
    """There are no Whisper weights on this worker."""

    default_code = "no-speech-model"


class NoFastTranscriber(Unavailable):
    """The settings ask for a transcriber that isn't installed."""

    default_code = "no-fast-transcriber"


class NoSpeechDevice(Unavailable):
    """The settings ask for a GPU that this worker doesn't have."""

    default_code = "no-speech-device"


class UnreadableSpeech(Invalid):
    """The WAV is not what the conversion makes."""

    default_code = "unreadable-speech"


class LanguageNotTranscribed(Invalid):
    """The model has not learnt the declared language: there will be no transcript, and that is no failure."""

    default_code = "language-not-transcribed"


class StalePlan(Conflict):
    """The plan was made for another WAV, model or settings: make a new one."""

    default_code = "stale-plan"


class TranscriberFailed(Exception):
    """A mistake of ours inside the child; its log holds the traceback."""


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How a child runs. `model`: a name, or the path of a model that the transcriber reads."""

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
class _Running:
    process: Popen[bytes]
    wire: Wire
    ended: Future[int]


class SpeechChild:
    """One child process, kept between jobs. Calls of several threads take turns; `stop` may come from any."""

    def __init__(self, options: SpeechOptions | None = None) -> None:
        self._options = options or SpeechOptions()
        self._turn = Lock()
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The child's process id while one runs."""
        running = self._alive()
        return running.process.pid if running else None

    def plan(self, wav: Path, *, language: str) -> Plan:
        """Find speech in a 16 kHz mono WAV (normalised with dynaudnorm) and plan its chunks; none: no speech.

        Raises UnreadableSpeech, LanguageNotTranscribed, NoSpeechModel, TranscriberStopped or -TooSlow.
        """
        seconds = wav.stat().st_size / WAV_BYTES_A_SECOND if wav.is_file() else 0
        request = {"do": "plan", "wav": str(wav), "language": language}
        return Plan.from_json(self._ask(request, within_s=60 + seconds))

    def transcribe(self, wav: Path, *, plan: Plan, indices: Sequence[int]) -> list[ChunkResult]:
        """Transcribe some chunks of a plan together. Raises as `plan` does, and StalePlan."""
        if not indices:
            return []
        request = {"do": "transcribe", "wav": str(wav), "plan": plan.to_json(), "indices": list(indices)}
        within_s = self._options.chunk_within.total_seconds() * len(indices)
        return [ChunkResult.from_json(one) for one in self._ask(request, within_s=within_s)["chunks"]]

    def stop(self) -> None:
        """End the child at once; a call that is waiting for it raises TranscriberStopped."""
        if running := self._alive():
            running.process.kill()
            running.ended.result()
        if self._running and self._turn.acquire(blocking=False):  # else the interrupted call cleans up
            try:
                self._end(self._running)
            finally:
                self._turn.release()

    def _ask(self, request: Message, *, within_s: float) -> Message:
        with self._turn:
            running = self._alive() or self._start()
            try:
                return self._exchange(running, request, within_s=within_s)
            except _LeftIdle:
                return self._exchange(self._start(), request, within_s=within_s)

    def _exchange(self, running: _Running, request: Message, *, within_s: float) -> Message:
        try:
            running.wire.send(request)
            reply = running.wire.read(within_s=within_s)
        except Closed:
            self._mourn(running)
        except TimeoutError as error:
            self._end(running)
            raise TranscriberTooSlow("Transcription took too long and was ended.") from error
        if "refusal" in reply:
            raise _as_error(reply)
        answer: Message = reply["answer"]
        return answer

    def _alive(self) -> _Running | None:
        running = self._running
        return None if running is None or running.ended.done() else running

    def _start(self) -> _Running:
        if self._running:
            self._end(self._running)
        running = self._running = _spawn(self._options)
        try:
            greeting = running.wire.read(within_s=self._options.start_within.total_seconds())
        except Closed:
            self._mourn(running)
        except TimeoutError as error:
            self._end(running)
            raise TranscriberTooSlow("The speech model took too long to load.") from error
        if "refusal" in greeting:
            self._end(running)
            raise _as_error(greeting)
        log.info(
            "the speech child runs %s %s on %s", self._options.transcriber, self._options.model, greeting["device"]
        )
        return running

    def _mourn(self, running: _Running) -> NoReturn:
        code = self._end(running)
        if code == 0:
            raise _LeftIdle
        if code == -signal.SIGKILL:  # also what a machine without memory left sends
            raise TranscriberStopped("The transcriber was ended, perhaps for lack of memory. We try again.")
        raise TranscriberStopped("The transcriber stopped (%(how)s). We try again.", how=_how(code))

    def _end(self, running: _Running) -> int:
        """Make sure that a child is gone and return how it ended."""
        running.wire.close()
        if not running.ended.done():
            running.process.kill()
        self._running = None
        return running.ended.result()


class _LeftIdle(Exception):
    """The child went because nobody had asked, just as somebody did."""


def _spawn(options: SpeechOptions) -> _Running:
    ours, theirs = socket.socketpair()
    started: Future[Popen[bytes]] = Future()
    ended: Future[int] = Future()
    command = _command(options)
    Thread(target=_keep, args=(command, options, theirs, started, ended), daemon=True).start()
    try:
        return _Running(started.result(), Wire(ours), ended)
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
    threads = str(options.threads)
    kept |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
    if options.folder:
        kept["NUMBA_CACHE_DIR"] = str(options.folder / "numba")
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def _as_error(reply: dict[str, Any]) -> Exception:
    why = reply["why"]
    errors: dict[str, Exception] = {
        "no-weights": NoSpeechModel("This worker has no speech model. %(why)s", why=why),
        "not-installed": NoFastTranscriber("This worker has no such transcriber. %(why)s", why=why),
        "no-device": NoSpeechDevice("This worker has no GPU. %(why)s", why=why),
        "bad-wav": UnreadableSpeech("The sound of this recording could not be read (%(why)s).", why=why),
        "unknown-language": LanguageNotTranscribed("There is no automatic transcript for this language."),
        "other-plan": StalePlan("The recording or the speech model has changed; transcription starts anew."),
    }
    return errors.get(reply["refusal"], TranscriberFailed(why))


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
