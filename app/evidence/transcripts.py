"""What was said and when: words, segments, pauses of a recording. Machine-made, never the judged thing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording, in milliseconds from its start."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.start_ms

    def to_json(self) -> Json:
        """Return the stored and published form (API 4.3)."""
        return {"start_ms": self.start_ms, "end_ms": self.end_ms}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown keys are ignored."""
        return cls(start_ms=body["start_ms"], end_ms=body["end_ms"])


@dataclass(frozen=True, slots=True)
class Word:
    """One word and its punctuation, without spaces around it. `probability` is the model's own, 0 to 1.

    `heard` is what the model wrote, where an assessor has corrected it: then `text` is theirs.
    """

    start_ms: int
    end_ms: int
    text: str
    probability: float
    heard: str | None = None

    def to_json(self) -> Json:
        """Return the stored and published form (API 4.3)."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "text": self.text,
            "probability": self.probability,
            **({} if self.heard is None else {"heard": self.heard}),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown keys are ignored."""
        return cls(body["start_ms"], body["end_ms"], body["text"], body["probability"], body.get("heard"))


@dataclass(frozen=True, slots=True)
class Segment:
    """A phrase as the transcriber gave it. `words` is empty where it gave no times for them."""

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()

    def to_json(self) -> Json:
        """Return the stored and published form (API 4.3)."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "text": self.text,
            "words": [word.to_json() for word in self.words],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown keys (a worker's figures) are ignored."""
        words = tuple(Word.from_json(word) for word in body["words"])
        return cls(body["start_ms"], body["end_ms"], body["text"], words)


@dataclass(frozen=True, slots=True)
class Detected:
    """A language that the recording clearly is in although another was declared; `probability` is 0 to 1."""

    language: str
    probability: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The whole of one recording, segments in order of time. No segments: no speech was found.

    `dropped`: where the model only repeated itself, so that nothing is shown. `detected`: a hint, see Detected.
    """

    language: str
    model: str
    segments: tuple[Segment, ...]
    silences: tuple[Span, ...] = ()
    dropped: tuple[Span, ...] = ()
    detected: Detected | None = None

    @property
    def confidence(self) -> float | None:
        """Mean probability of the words, or None without words; low means: a draft, listen yourself."""
        return mean_probability(self.segments)

    def to_json(self) -> Json:
        """Return the body of `GET /evidence/{id}/transcript` (API 4.3)."""
        return {
            "language": self.language,
            "model": self.model,
            "segments": [segment.to_json() for segment in self.segments],
            "silences": [silence.to_json() for silence in self.silences],
            "dropped": [span.to_json() for span in self.dropped],
            "detected": asdict(self.detected) if self.detected else None,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; unknown keys are ignored."""
        return cls(
            language=body["language"],
            model=body["model"],
            segments=tuple(Segment.from_json(segment) for segment in body["segments"]),
            silences=tuple(Span.from_json(silence) for silence in body["silences"]),
            dropped=tuple(Span.from_json(span) for span in body.get("dropped", ())),
            detected=Detected(**body["detected"]) if body.get("detected") else None,
        )


def mean_probability(segments: Sequence[Segment]) -> float | None:
    """Average the probabilities of all words; None where there are none."""
    probabilities = [word.probability for segment in segments for word in segment.words]
    return sum(probabilities) / len(probabilities) if probabilities else None
