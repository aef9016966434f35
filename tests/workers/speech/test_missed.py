"""A stretch that the model passed over is found by how few words stand in it, and filled in where it belongs."""

from app.evidence.transcripts import Segment, Span, Word
from workers.speech.chunks import Chunk
from workers.speech.missed import filled, missed
from workers.speech.plans import Figures, HeardSegment

# Three speakers: 0-4 s, 6-10 s (the quiet one), 12-16 s. In the chunk's time: 0-4, 4-8, 8-12.
CHUNK = Chunk((Span(0, 4_000), Span(6_000, 10_000), Span(12_000, 16_000)))
QUIET = (Span(6_000, 10_000), Span(4_000, 8_000))


def heard(text, start_ms, *, each_ms=400, logprob=-0.2, silent=0.1):
    """A segment whose words follow one another."""
    times = [(start_ms + each_ms * number, word) for number, word in enumerate(text.split(" "))]
    words = tuple(Word(at, at + each_ms, f" {word}", 0.9) for at, word in times)
    return HeardSegment(Segment(start_ms, words[-1].end_ms, text, words), Figures(logprob, silent, 1.2, 0.0))


FIRST = heard("one two three four five six seven eight", 0)
ALONE = heard("many people think about it and we do", 0)


def texts(segments):
    return [one.segment.text for one in segments]


def test_a_stretch_with_hardly_a_word_was_passed_over():
    stretched = heard("And Mr. John had leisure then to think", 5_000, each_ms=900)

    assert missed(CHUNK, [FIRST, heard("And Mr.", 5_000), heard("John had leisure then", 8_000)]) == [QUIET]
    assert missed(CHUNK, [FIRST, heard("slowly but all the same", 4_000), stretched]) == []
    assert missed(CHUNK, [FIRST, ALONE.later(by_ms=4_000), ALONE.later(by_ms=8_000)]) == []
    assert missed(Chunk((Span(0, 4_000),)), []) == []  # alone it is heard as it was
    assert missed(Chunk((Span(0, 4_000), Span(5_000, 6_500))), [FIRST]) == []  # a cough


def test_what_begins_the_next_sentence_stays_behind_what_was_missed():
    found = filled([FIRST, heard("And", 5_000), heard("John had leisure then", 8_000)], QUIET[1], [ALONE])

    assert texts(found) == [FIRST.segment.text, ALONE.segment.text, "And", "John had leisure then"]
    starts = [word.start_ms for one in found for word in one.segment.words]
    assert starts == sorted(starts)
    assert found[2].segment.words[0].start_ms == 8_000


def test_what_ends_the_sentence_before_stays_before_it_and_nothing_is_said_twice():
    long = heard("one two three four five six seven eight nine ten many", 0)

    found = filled([long, heard("John had leisure then", 8_000)], QUIET[1], [ALONE])

    assert texts(found) == [
        "one two three four five six seven eight nine ten",
        ALONE.segment.text,
        "John had leisure then",
    ]
    assert found[0].segment.end_ms <= 4_000


def test_what_is_doubtful_alone_changes_nothing():
    before = [FIRST, heard("And Mr.", 5_000)]

    for doubtful in ([], [heard("Thank you.", 0)], [heard(ALONE.segment.text, 0, logprob=-0.9)]):
        assert filled(before, QUIET[1], doubtful) == before
    assert filled(before, QUIET[1], [heard(ALONE.segment.text, 0, silent=0.7)]) == before
