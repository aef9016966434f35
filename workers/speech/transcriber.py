"""From samples to words: the port. What hears stands behind it: `openai_engine` and `faster_engine`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from app.evidence.transcripts import Segment, Word
from workers.speech.plans import Engine, Figures, Guess, HeardSegment
from workers.speech.wav import Samples

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # what is tried, one after the other, while a text looks made up
COMPRESSION_LIMIT = 2.4
LOGPROB_LIMIT = -1.0
NO_SPEECH_LIMIT = 0.6


@dataclass(frozen=True, slots=True)
class Heard:
    """What one piece holds: its segments, and which language it sounds like (None: an English-only model)."""

    segments: tuple[HeardSegment, ...]
    guess: Guess | None


class Transcriber(Protocol):
    """What hears. Times are milliseconds of the piece; words keep the spaces that the model wrote."""

    engine: Engine
    languages: frozenset[str]

    def transcribe(self, pieces: Sequence[Samples], *, language: str) -> list[Heard]:
        """Return what is said in each piece (at most 28 s of 16 kHz samples), in the language that was declared.

        Pieces are decoded together: the weights are read once for all of them.
        """
        ...

    def twin(self) -> Self:
        """Return another one on the same weights, which may hear at the same time in another thread."""
        ...


def word_of(*, start_s: float, end_s: float, text: str, probability: float) -> Word:
    """Return a word from seconds and numpy's numbers."""
    return Word(ms(start_s), ms(end_s), text, round(float(probability), 4))


def heard_segment(words: Sequence[Word], facts: Mapping[str, Any]) -> HeardSegment:
    """Return a segment from what either library calls its start, end, text and figures."""
    figures = Figures(
        avg_logprob=round(float(facts["avg_logprob"]), 4),
        no_speech_prob=round(float(facts["no_speech_prob"]), 4),
        compression_ratio=round(float(facts["compression_ratio"]), 4),
        temperature=float(facts["temperature"] or 0.0),
    )
    segment = Segment(ms(facts["start"]), ms(facts["end"]), facts["text"].strip(), tuple(words))
    return HeardSegment(segment, figures)


def ms(seconds: float) -> int:
    """Return milliseconds."""
    return round(float(seconds) * 1000)
