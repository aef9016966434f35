"""What the speech child answers: a plan for a WAV, the words of some chunks of it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.evidence.transcripts import Segment, Span
from workers.speech.chunks import Chunk, chunks, silences
from workers.speech.heard import placed, without_loops
from workers.speech.missed import filled, missed
from workers.speech.plans import ChunkResult, Plan, plan_id
from workers.speech.transcriber import Heard, Transcriber
from workers.speech.vad import SpeechFinder
from workers.speech.wav import Samples, Wav, open_wav, read_spans, sha256_of

ALSO_CALLED = {"nb": "no", "iw": "he", "fil": "tl", "in": "id"}


class UnknownLanguage(Exception):
    """The model has not learnt this language."""


class OtherPlan(Exception):
    """The plan was made for another WAV or by another model or settings; its chunks must not be mixed."""


class Desk:
    """Answers with one model and one voice finder, both loaded once.

    `threads`: how many chunks are heard at the same time, each by one thread. Several threads within each step of the
    model gain less, and wait for one another: on a busy machine they took eight times as long as one.
    """

    def __init__(
        self, transcriber: Transcriber, finder: SpeechFinder, *, threads: int = 1, ready: Callable[[], None]
    ) -> None:
        self._transcriber = transcriber
        self._twins = [transcriber, *(transcriber.twin() for _ in range(threads - 1))]
        self._threads = ThreadPoolExecutor(threads, initializer=ready)
        self._finder = finder
        self._known: dict[tuple[Path, int, int], str] = {}

    def plan(self, path: Path, *, language: str) -> Plan:
        """Find the speech in a WAV and cut it into chunks. Raises BadWav, UnknownLanguage."""
        spoken = self._language(language)
        wav, engine = open_wav(path), self._transcriber.engine
        digest, speech = self._sha256(path), self._finder.spans(wav)
        return Plan(
            id=plan_id(wav_sha256=digest, language=spoken, engine=engine),
            wav_sha256=digest,
            duration_ms=wav.duration_ms,
            language=spoken,
            engine=engine,
            chunks=chunks(speech),
            silences=silences(speech, duration_ms=wav.duration_ms),
        )

    def transcribe(self, path: Path, *, plan: Plan, indices: Sequence[int]) -> list[ChunkResult]:
        """Transcribe some chunks of a plan together. Raises BadWav, OtherPlan."""
        wav = open_wav(path)
        if plan.engine != self._transcriber.engine or plan.wav_sha256 != self._sha256(path):
            raise OtherPlan(f"The plan {plan.id} is of another recording or model.")
        pieces = [read_spans(wav, plan.chunks[index].spans) for index in indices]
        heard = self._hear(pieces, plan.language)
        self._fill_in(wav, [plan.chunks[index] for index in indices], heard, plan.language)
        return [_result(plan, index, one) for index, one in zip(indices, heard, strict=True)]

    def _hear(self, pieces: Sequence[Samples], language: str) -> list[Heard]:
        """Deal the pieces out to the twins, in turn, and put what they heard in order again."""
        count = min(len(self._twins), len(pieces))
        dealt = [pieces[number::count] for number in range(count)]
        hear = partial(_hear, language=language)
        answers = list(self._threads.map(hear, self._twins, dealt))
        return [answers[number % count][number // count] for number in range(len(pieces))]

    def _fill_in(self, wav: Wav, chunks: Sequence[Chunk], heard: list[Heard], language: str) -> None:
        """Hear what was passed over by itself, all of it at once."""
        gaps = [
            (number, span, place)
            for number, chunk in enumerate(chunks)
            for span, place in missed(chunk, heard[number].segments)
        ]
        if not gaps:
            return
        alone = self._hear([read_spans(wav, [span]) for _, span, _ in gaps], language)
        for (number, _, place), one in zip(gaps, alone, strict=True):
            segments = filled(heard[number].segments, place, one.segments)
            heard[number] = replace(heard[number], segments=tuple(segments))

    def _language(self, tag: str) -> str:
        base = tag.lower().replace("_", "-").split("-")[0]
        language = ALSO_CALLED.get(base, base)
        if language not in self._transcriber.languages:
            raise UnknownLanguage(tag)
        return language

    def _sha256(self, path: Path) -> str:
        """Return the digest of a file that is read once for all its chunks, again when it has changed."""
        facts = path.stat()
        key = (path, facts.st_size, facts.st_mtime_ns)
        if key not in self._known:
            self._known = {key: sha256_of(path)}
        return self._known[key]


def _hear(twin: Transcriber, pieces: Sequence[Samples], *, language: str) -> list[Heard]:
    return twin.transcribe(pieces, language=language)


def _result(plan: Plan, index: int, heard: Heard) -> ChunkResult:
    chunk = plan.chunks[index]
    said, loops = without_loops(heard.segments)
    return ChunkResult(
        plan.id,
        index,
        tuple(part for one in said for part in placed(one, chunk)),
        tuple(_stretch(part.segment) for one in loops for part in placed(one, chunk)),
        heard.guess,
    )


def _stretch(part: Segment) -> Span:
    return Span(part.start_ms, part.end_ms)
