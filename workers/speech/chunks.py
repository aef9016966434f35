"""Which stretches of a recording are transcribed together: pure, the same for the same input."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from app.evidence.transcripts import Span

LONGEST_MS = 28_000  # Whisper hears 30 s at once; a chunk stays below, so that it is one window
SHORTEST_SILENCE_MS = 2_000  # what is called a silence on screen


@dataclass(frozen=True, slots=True)
class Chunk:
    """Stretches of speech heard as one, one after the other: the silence between them is left out.

    Whisper invents text in silence and needs as long for it as for speech. `cut_in_speech`: nobody paused
    where this chunk begins, so a word may be torn there.
    """

    spans: tuple[Span, ...]
    cut_in_speech: bool = False

    @property
    def length_ms(self) -> int:
        """How much is heard."""
        return sum(span.length_ms for span in self.spans)

    @property
    def start_ms(self) -> int:
        """Where in the recording it begins."""
        return self.spans[0].start_ms

    @property
    def end_ms(self) -> int:
        """Where in the recording it ends."""
        return self.spans[-1].end_ms

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"spans": [span.to_json() for span in self.spans], "cut_in_speech": self.cut_in_speech}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(tuple(Span.from_json(span) for span in body["spans"]), body["cut_in_speech"])


def chunks(speech: Iterable[Span], *, longest_ms: int = LONGEST_MS) -> tuple[Chunk, ...]:
    """Pack stretches of speech (in order, apart) into as few chunks as their order allows.

    A chunk ends in silence; only a stretch longer than `longest_ms` is cut where somebody speaks.
    """
    packed: list[Chunk] = []
    held: list[Span] = []
    for span in (piece for stretch in speech for piece in _pieces(stretch, longest_ms=longest_ms)):
        if held and sum(one.length_ms for one in held) + span.length_ms > longest_ms:
            packed.append(_chunk(held, packed))
            held = []
        held.append(span)
    if held:
        packed.append(_chunk(held, packed))
    return tuple(packed)


def silences(speech: Sequence[Span], *, duration_ms: int, at_least_ms: int = SHORTEST_SILENCE_MS) -> tuple[Span, ...]:
    """Return the stretches without speech that are long enough to be named."""
    edges = [Span(0, 0), *speech, Span(duration_ms, duration_ms)]
    gaps = (Span(before.end_ms, after.start_ms) for before, after in pairwise(edges))
    return tuple(gap for gap in gaps if gap.length_ms >= at_least_ms)


def _chunk(held: Sequence[Span], packed: Sequence[Chunk]) -> Chunk:
    torn = bool(packed) and packed[-1].end_ms == held[0].start_ms
    return Chunk(tuple(held), cut_in_speech=torn)


def _pieces(stretch: Span, *, longest_ms: int) -> Iterator[Span]:
    count = -(-stretch.length_ms // longest_ms)
    for number in range(count):
        yield Span(
            stretch.start_ms + stretch.length_ms * number // count,
            stretch.start_ms + stretch.length_ms * (number + 1) // count,
        )
