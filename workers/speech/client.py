"""The worker's side of transcription: start the speech child when needed, ask it, say clearly when it died.

Nothing here loads torch or the model: a worker that is not transcribing stays small.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn, Self, TypeVar

from app.errors import Conflict, Invalid, Unavailable
from workers.speech.plans import ChunkResult, Plan
from workers.speech.starting import Running, SpeechOptions, spawn
from workers.speech.wire import Closed, Message, Nonsense

log = logging.getLogger(__name__)
WAV_BYTES_A_SECOND = 32_000
NO_ANSWER = (LookupError, TypeError, ValueError, AttributeError)  # what reading one of another shape raises
T = TypeVar("T")


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


class SpeechChild:
    """One child process, kept between jobs. Calls of several threads take turns; `stop` may come from any."""

    def __init__(self, options: SpeechOptions | None = None) -> None:
        self._options = options or SpeechOptions()
        self._turn = Lock()
        self._running: Running | None = None

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
        return self._ask(request, Plan.from_json, within_s=60 + seconds)

    def transcribe(self, wav: Path, *, plan: Plan, indices: Sequence[int]) -> list[ChunkResult]:
        """Transcribe some chunks of a plan together. Raises as `plan` does, and StalePlan.

        An answer about anything else is none: words of one recording must never stand under another.
        """
        if not indices:
            return []
        request = {"do": "transcribe", "wav": str(wav), "plan": plan.to_json(), "indices": list(indices)}
        within_s = self._options.chunk_within.total_seconds() * len(indices)

        def read(answer: Message) -> list[ChunkResult]:
            results = [ChunkResult.from_json(one) for one in answer["chunks"]]
            if [(one.plan_id, one.index) for one in results] != [(plan.id, index) for index in indices]:
                raise ValueError("chunks that were not asked for")
            return results

        return self._ask(request, read, within_s=within_s)

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

    def _ask(self, request: Message, read: Callable[[Message], T], *, within_s: float) -> T:
        with self._turn:
            running = self._alive() or self._start()
            try:
                reply = self._exchange(running, request, within_s=within_s)
            except _LeftIdle:
                running = self._start()
                reply = self._exchange(running, request, within_s=within_s)
            if "refusal" in reply:
                raise _as_error(reply)
            try:
                return read(reply["answer"])
            except NO_ANSWER as error:
                self._distrust(running, error)

    def _exchange(self, running: Running, request: Message, *, within_s: float) -> Message:
        try:
            running.wire.send(request)
            return running.wire.read(within_s=within_s)
        except Closed:
            self._mourn(running)
        except TimeoutError as error:
            self._end(running)
            raise TranscriberTooSlow("Transcription took too long and was ended.") from error
        except Nonsense as error:
            self._distrust(running, error)

    def _alive(self) -> Running | None:
        running = self._running
        return None if running is None or running.ended.done() else running

    def _start(self) -> Running:
        if self._running:
            self._end(self._running)
        running = self._running = spawn(self._options)
        try:
            greeting = running.wire.read(within_s=self._options.start_within.total_seconds())
        except Closed:
            self._mourn(running)
        except TimeoutError as error:
            self._end(running)
            raise TranscriberTooSlow("The speech model took too long to load.") from error
        except Nonsense as error:
            self._distrust(running, error)
        if "refusal" in greeting:
            self._end(running)
            raise _as_error(greeting)
        log.info(
            "the speech child runs %s %s on %s", self._options.transcriber, self._options.model, greeting["device"]
        )
        return running

    def _mourn(self, running: Running) -> NoReturn:
        code = self._end(running)
        if code == 0:
            raise _LeftIdle
        if code == -signal.SIGKILL:  # also what a machine without memory left sends
            raise TranscriberStopped("The transcriber was ended, perhaps for lack of memory. We try again.")
        raise TranscriberStopped("The transcriber stopped (%(how)s). We try again.", how=_how(code))

    def _distrust(self, running: Running, error: Exception) -> NoReturn:
        """End a child whose answer makes no sense: what it says next could be about something else."""
        self._end(running)
        raise TranscriberFailed(f"the answer of the transcriber makes no sense: {error!r}"[:500]) from error

    def _end(self, running: Running) -> int:
        """Make sure that a child is gone and return how it ended."""
        running.wire.close()
        if not running.ended.done():
            running.process.kill()
        self._running = None
        return running.ended.result()


class _LeftIdle(Exception):
    """The child went because nobody had asked, just as somebody did."""


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
