"""Stretches of speech that the model passed over, as it does beside a much clearer voice: found and filled in. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from app.evidence.transcripts import Segment, Span, Word
from workers.speech.chunks import Chunk
from workers.speech.plans import HeardSegment

SHORTEST_MS = 2_000  # a cough or a word alone is no stretch that was passed over
FEW = 0.8  # words a second; slow speech has one, usual speech two to three
SURE_LOGPROB, SURE_SPEECH, SURE_WORDS = -0.7, 0.5, 0.5  # what is heard alone must be beyond doubt: it may be a laugh
SETTINGS = {"shortest": SHORTEST_MS, "few": FEW, "sure": [SURE_LOGPROB, SURE_SPEECH, SURE_WORDS]}


def missed(chunk: Chunk, heard: Sequence[HeardSegment]) -> list[tuple[Span, Span]]:
    """Return the stretches with hardly a word, in the recording's time and in the chunk's.

    None of a chunk that is a single stretch: alone it would be heard as it was.
    """
    if len(chunk.spans) == 1:
        return []
    words = [word for one in heard for word in one.segment.words]
    return [
        (span, place)
        for span, place in zip(chunk.spans, _places(chunk), strict=True)
        if place.length_ms >= SHORTEST_MS and _rate(place, [word for word in words if _is_in(word, place)]) < FEW
    ]


def filled(heard: Sequence[HeardSegment], place: Span, alone: Sequence[HeardSegment]) -> list[HeardSegment]:
    """Put what a stretch says when it is heard alone (in its own time) where it was passed over.

    Words that the model had stretched over it stay, unless it begins or ends with them: those that begin a segment
    belong behind it, others before.
    """
    found = [one.later(by_ms=place.start_ms) for one in alone if one.segment.words and _is_sure(one)]
    words = [word for one in found for word in one.segment.words]
    if _rate(place, words) < FEW:
        return list(heard)
    said = [_letters(word) for word in words]
    kept = [stays for one in heard if (stays := _without(one, place, said)) is not None]
    before = [one for one in kept if one.segment.start_ms < place.start_ms]
    return [*before, *found, *kept[len(before) :]]


def _places(chunk: Chunk) -> list[Span]:
    ends = [sum(span.length_ms for span in chunk.spans[:number]) for number in range(len(chunk.spans) + 1)]
    return [Span(start, end) for start, end in pairwise(ends)]


def _rate(place: Span, words: Sequence[Word]) -> float:
    return len(words) * 1000 / place.length_ms


def _is_in(word: Word, place: Span) -> bool:
    return place.start_ms <= (word.start_ms + word.end_ms) // 2 < place.end_ms


def _is_sure(heard: HeardSegment) -> bool:
    words, figures = heard.segment.words, heard.figures
    sure = sum(word.probability for word in words) / len(words)
    return figures.avg_logprob > SURE_LOGPROB and figures.no_speech_prob < SURE_SPEECH and sure > SURE_WORDS


def _letters(word: Word) -> str:
    return "".join(letter for letter in word.text.casefold() if letter.isalnum())


def _without(heard: HeardSegment, place: Span, said: Sequence[str]) -> HeardSegment | None:
    """Take a segment's words out of a stretch: away where it begins or ends with them itself, else to an edge.

    None when nothing is left.
    """
    words = heard.segment.words
    inside = [word for word in words if _is_in(word, place)]
    if not inside:
        return heard
    edge_ms = place.end_ms if inside[0] is words[0] else place.start_ms - 1
    stay = [replace(word, start_ms=edge_ms, end_ms=edge_ms) if word in inside else word for word in words]
    if [_letters(word) for word in inside] in (said[: len(inside)], said[-len(inside) :]):
        stay = [word for word in words if word not in inside]
    if not stay:
        return None
    text = "".join(word.text for word in stay).strip()
    return replace(heard, segment=Segment(stay[0].start_ms, stay[-1].end_ms, text, tuple(stay)))
