"""What the worker stores: the plan of a transcription and the result of each chunk. No torch here."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from app.evidence.transcripts import Detected, Json, Segment, Span, Transcript
from workers.speech.chunks import Chunk


@dataclass(frozen=True, slots=True)
class Engine:
    """Who transcribes, exactly: another version, model or setting is another engine and gives another plan.

    `model_sha256` is of the published weights; `settings` is a digest of all that changes the result.
    """

    name: str
    version: str
    model: str
    model_sha256: str
    settings: str

    @property
    def label(self) -> str:
        """What a transcript says about itself, such as `openai-whisper 20250625 base`."""
        return f"{self.name} {self.version} {self.model}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one WAV is transcribed. The same WAV, language and engine give the same plan and `id` anywhere.

    `id` and a chunk's index together say which work a stored result is of. No chunks: no speech was found.
    """

    id: str
    wav_sha256: str
    duration_ms: int
    language: str
    engine: Engine
    chunks: tuple[Chunk, ...]
    silences: tuple[Span, ...]

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "id": self.id,
            "wav_sha256": self.wav_sha256,
            "duration_ms": self.duration_ms,
            "language": self.language,
            "engine": asdict(self.engine),
            "chunks": [chunk.to_json() for chunk in self.chunks],
            "silences": [silence.to_json() for silence in self.silences],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            id=body["id"],
            wav_sha256=body["wav_sha256"],
            duration_ms=body["duration_ms"],
            language=body["language"],
            engine=Engine(**body["engine"]),
            chunks=tuple(Chunk.from_json(chunk) for chunk in body["chunks"]),
            silences=tuple(Span.from_json(silence) for silence in body["silences"]),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What the model says about its own text; whisper's measures, kept for whoever asks how sure it was."""

    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    temperature: float


@dataclass(frozen=True, slots=True)
class HeardSegment:
    """A segment with its figures."""

    segment: Segment
    figures: Figures

    def later(self, *, by_ms: int) -> Self:
        """Return the same, said so many milliseconds later."""
        one = self.segment
        words = tuple(replace(each, start_ms=each.start_ms + by_ms, end_ms=each.end_ms + by_ms) for each in one.words)
        moved = Segment(one.start_ms + by_ms, one.end_ms + by_ms, one.text, words)
        return replace(self, segment=moved)

    def to_json(self) -> Json:
        """Return the segment's published form with `figures` beside it: `Segment.from_json` reads it too."""
        return {**self.segment.to_json(), "figures": asdict(self.figures)}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(Segment.from_json(body), Figures(**body["figures"]))


FIRST_TOGETHER, MOST_TOGETHER = 4, 8  # chunks of at most 28 s
SURE = 0.8  # how likely another language than the declared one must be before anybody is told
UNLIKELY = 0.1  # and how unlikely the declared one


@dataclass(frozen=True, slots=True)
class Guess:
    """Which language a chunk sounds like, how likely that is, and how likely the declared one (0 to 1)."""

    language: str
    probability: float
    declared: float

    @classmethod
    def of(cls, likely: Mapping[str, float], *, declared: str) -> Self:
        """Take the best of what the model thinks of each language."""
        language = max(likely, key=lambda each: likely[each])
        return cls(language, round(likely[language], 4), round(likely.get(declared, 0.0), 4))


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What was heard in one chunk, in the recording's time; `dropped` are stretches that gave only loops."""

    plan_id: str
    index: int
    heard: tuple[HeardSegment, ...]
    dropped: tuple[Span, ...] = ()
    guess: Guess | None = None

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments without their figures."""
        return tuple(one.segment for one in self.heard)

    def to_json(self) -> Json:
        """Return the stored form: one row of a transcript's chunks."""
        return {
            "plan_id": self.plan_id,
            "index": self.index,
            "segments": [one.to_json() for one in self.heard],
            "dropped": [span.to_json() for span in self.dropped],
            "guess": asdict(self.guess) if self.guess else None,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            plan_id=body["plan_id"],
            index=body["index"],
            heard=tuple(HeardSegment.from_json(one) for one in body["segments"]),
            dropped=tuple(Span.from_json(span) for span in body["dropped"]),
            guess=Guess(**body["guess"]) if body["guess"] else None,
        )


def plan_id(*, wav_sha256: str, language: str, engine: Engine) -> str:
    """Return the digest of all that decides a transcription."""
    facts = {"wav_sha256": wav_sha256, "language": language, "engine": asdict(engine)}
    return digest(facts)


def digest(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of some facts, whatever their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def together(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut what is to be done into what is heard at once: 4, then 8 chunks, so that the first words come soon.

    It is also what a kill can cost.
    """
    at, count = 0, FIRST_TOGETHER
    while at < len(indices):
        yield indices[at : at + count]
        at, count = at + count, MOST_TOGETHER


def join(plan: Plan, results: Sequence[ChunkResult]) -> Transcript:
    """Put chunk results together, whatever order they came in: those that are there, so it can grow live."""
    ordered = sorted(results, key=lambda result: result.index)
    return Transcript(
        plan.language,
        plan.engine.label,
        tuple(segment for result in ordered for segment in result.segments),
        plan.silences,
        dropped=tuple(span for result in ordered for span in result.dropped),
        detected=other_language([result.guess for result in ordered if result.guess]),
    )


def other_language(guesses: Sequence[Guess]) -> Detected | None:
    """Return the language that a recording clearly is in, where that is not the declared one: a hint, no more.

    Over all chunks: a single one is often mistaken (one of six Arabic clips sounded Spanish to the model).
    """
    languages = {guess.language for guess in guesses}
    likely = {each: sum(g.probability for g in guesses if g.language == each) / len(guesses) for each in languages}
    if not likely or sum(guess.declared for guess in guesses) / len(guesses) > UNLIKELY:
        return None
    best = max(likely, key=lambda each: likely[each])
    return Detected(best, round(likely[best], 4)) if likely[best] >= SURE else None
