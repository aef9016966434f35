"""From the chunk's time to the recording's, and loops out."""

from hypothesis import given
from hypothesis import strategies as st

from app.evidence.transcripts import Segment, Span, Word
from workers.speech.chunks import Chunk
from workers.speech.heard import by_sentence, in_recording, placed, without_loops
from workers.speech.plans import ChunkResult, Figures, Guess, HeardSegment, other_language, together

SURE = Figures(avg_logprob=-0.2, no_speech_prob=0.01, compression_ratio=1.5, temperature=0.0)
LOOPING = Figures(avg_logprob=-0.2, no_speech_prob=0.01, compression_ratio=9.0, temperature=1.0)
TWO_STRETCHES = Chunk((Span(1_000, 3_000), Span(60_000, 62_000)))


def heard(text, *, figures=SURE, start_ms=0, word_ms=500):
    words = tuple(
        Word(start_ms + n * word_ms, start_ms + (n + 1) * word_ms, " " + word, 0.9)
        for n, word in enumerate(text.split())
    )
    return HeardSegment(Segment(start_ms, words[-1].end_ms, text, words), figures)


def test_words_are_placed_in_the_recording_and_a_phrase_over_silence_becomes_two():
    first, second = placed(heard("one two three four five six"), TWO_STRETCHES)

    assert (first.segment.text, first.segment.start_ms, first.segment.end_ms) == (
        "one two three four",
        1_000,
        3_000,
    )
    assert (second.segment.text, second.segment.start_ms, second.segment.end_ms) == (
        "five six",
        60_000,
        61_000,
    )
    assert second.segment.words[0] == Word(60_000, 60_500, "five", 0.9)


def test_word_over_a_cut_belongs_where_its_middle_is():
    assert in_recording(TWO_STRETCHES, 1_800, 2_600) == (60_000, 60_600)
    assert in_recording(TWO_STRETCHES, 1_400, 2_200) == (2_400, 3_000)


def test_segment_without_words_is_placed_whole():
    said = HeardSegment(Segment(2_100, 2_900, "five", ()), SURE)

    assert [part.segment for part in placed(said, TWO_STRETCHES)] == [Segment(60_100, 60_900, "five", ())]


@given(st.integers(0, 40_000), st.integers(0, 5_000))
def test_times_never_leave_the_speech(start_ms, length_ms):
    low, high = in_recording(TWO_STRETCHES, start_ms, start_ms + length_ms)

    assert low <= high
    assert any(span.start_ms <= low and high <= span.end_ms for span in TWO_STRETCHES.spans)


def test_text_that_repeats_itself_after_all_temperatures_is_dropped():
    kept, dropped = without_loops([heard("good"), heard("I'm sorry, I'm sorry", figures=LOOPING)])

    assert [one.segment.text for one in kept] == ["good"]
    assert len(dropped) == 1


def test_phrase_said_three_times_stays_and_said_four_times_is_a_loop():
    kept, dropped = without_loops([heard("Go!")] * 3 + [heard("Thank you.")] * 5)

    assert [one.segment.text for one in kept] == ["Go!", "Go!", "Go!", "Thank you."]
    assert len(dropped) == 4


def test_stored_result_reads_back():
    result = ChunkResult("plan", 3, (heard("one two"),), (Span(5, 9),), Guess("en", 0.9, 0.05))

    assert ChunkResult.from_json(result.to_json()) == result


def test_a_segment_over_many_sentences_is_cut_after_each():
    parts = by_sentence(heard("One, two. Three? Four"))

    assert [part.segment.text for part in parts] == ["One, two.", "Three?", "Four"]
    assert [(part.segment.start_ms, part.segment.end_ms) for part in parts] == [
        (0, 1_000),
        (1_000, 1_500),
        (1_500, 2_000),
    ]
    untimed = HeardSegment(Segment(0, 900, "No words.", ()), SURE)
    assert by_sentence(untimed) == [untimed]


def test_another_language_is_said_only_when_it_is_clear_over_all_chunks():
    arabic, unsure = Guess("ar", 0.97, 0.01), Guess("es", 0.32, 0.23)

    assert other_language([arabic] * 3).language == "ar"
    assert other_language([arabic] * 9 + [Guess("fa", 0.6, 0.02)]).probability == 0.873
    assert other_language([arabic, Guess("en", 0.9, 0.9)]) is None
    assert other_language([unsure]) is None
    assert other_language([]) is None


@given(st.integers(0, 60))
def test_each_chunk_is_done_once_and_the_first_words_come_soon(count):
    pieces = [list(piece) for piece in together(range(count))]

    assert [index for piece in pieces for index in piece] == list(range(count))
    assert all(len(piece) <= 8 for piece in pieces)
    assert not pieces or len(pieces[0]) <= 4
