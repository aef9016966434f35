"""From what a model heard in a chunk to segments in the recording's own time; loops are taken out. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from app.evidence.transcripts import Segment, Span, Word
from workers.speech.chunks import Chunk
from workers.speech.plans import HeardSegment

LOOP_RATIO = 2.4  # whisper's own limit: text that packs better than this repeats itself
SAID_AGAIN = 3  # how often people say the same phrase in a row; more is the model's loop
SENTENCE_ENDS = (".", "?", "!", "…", "؟", "۔", "。", "？", "！", "।")
SPLIT_MS = 1_000  # a segment over a longer silence becomes two


def without_loops(heard: Sequence[HeardSegment]) -> tuple[list[HeardSegment], list[HeardSegment]]:
    """Part what was said from what the model made up: repetition that all temperatures could not cure.

    Of a phrase repeated more than three times in a row the first stays.
    """
    kept: list[HeardSegment] = []
    dropped: list[HeardSegment] = []
    for run in _runs(heard):
        loops = run[0].figures.compression_ratio > LOOP_RATIO
        stay = 0 if loops else 1 if len(run) > SAID_AGAIN else len(run)
        kept += run[:stay]
        dropped += run[stay:]
    return kept, dropped


def by_sentence(heard: HeardSegment) -> list[HeardSegment]:
    """Cut a segment after each sentence: a model that was asked for no times of its own gives one for all it hears."""
    ends = [number for number, word in enumerate(heard.segment.words, start=1) if word.text.endswith(SENTENCE_ENDS)]
    edges = sorted({0, *ends, len(heard.segment.words)})
    sentences = [heard.segment.words[start:end] for start, end in pairwise(edges)]
    return [replace(heard, segment=_sentence(words)) for words in sentences] or [heard]


def _sentence(words: Sequence[Word]) -> Segment:
    return Segment(words[0].start_ms, words[-1].end_ms, "".join(word.text for word in words).strip(), tuple(words))


def placed(heard: HeardSegment, chunk: Chunk) -> list[HeardSegment]:
    """Move a segment from the chunk's time to the recording's; one that spans a silence becomes several."""
    segment = heard.segment
    if not segment.words:
        start_ms, end_ms = in_recording(chunk, segment.start_ms, segment.end_ms)
        return [replace(heard, segment=replace(segment, start_ms=start_ms, end_ms=end_ms))]
    parts = []
    for words in _phrases(segment, chunk):
        text = "".join(text for text, _ in words).strip()
        times = tuple(word for _, word in words if word.text)
        if text and times:
            parts.append(Segment(times[0].start_ms, times[-1].end_ms, text, times))
    return [replace(heard, segment=part) for part in parts]


def in_recording(chunk: Chunk, start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return where in the recording something heard in a chunk was said: within one stretch of speech.

    Times of words are rough; one that reaches over a cut belongs where its middle lies.
    """
    middle = (start_ms + end_ms) // 2
    for span, at in _offsets(chunk):
        if middle < at + span.length_ms or span is chunk.spans[-1]:
            break
    low, high = sorted((start_ms - at + span.start_ms, end_ms - at + span.start_ms))
    return _within(span, low), _within(span, high)


def _offsets(chunk: Chunk) -> Iterator[tuple[Span, int]]:
    at = 0
    for span in chunk.spans:
        yield span, at
        at += span.length_ms


def _within(span: Span, ms: int) -> int:
    return min(max(ms, span.start_ms), span.end_ms)


def _phrases(segment: Segment, chunk: Chunk) -> Iterator[list[tuple[str, Word]]]:
    """Give runs of words without a long silence, each with its text as the model spaced it."""
    run: list[tuple[str, Word]] = []
    for word in segment.words:
        start_ms, end_ms = in_recording(chunk, word.start_ms, word.end_ms)
        there = Word(start_ms, end_ms, word.text.strip(), word.probability)
        if run and start_ms - run[-1][1].end_ms > SPLIT_MS:
            yield run
            run = []
        run.append((word.text, there))
    if run:
        yield run


def _runs(heard: Sequence[HeardSegment]) -> Iterator[list[HeardSegment]]:
    run: list[HeardSegment] = []
    for one in heard:
        if run and _said(one) != _said(run[-1]):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _said(heard: HeardSegment) -> str:
    return "".join(letter for letter in heard.segment.text.casefold() if letter.isalnum())
