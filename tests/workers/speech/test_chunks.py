"""The chunk plan: what must hold for any speech."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.evidence.transcripts import Span
from workers.speech.chunks import LONGEST_MS, Chunk, chunks, silences


@st.composite
def speech(draw):
    """Stretches of speech as voice activity gives them: in order, apart or touching, some very long."""
    at_ms, spans = 0, []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 200_000)), max_size=30)):
        spans.append(Span(at_ms + gap, at_ms + gap + length))
        at_ms = spans[-1].end_ms
    return spans


def joined(spans):
    """Touching stretches as one."""
    result = []
    for span in spans:
        if result and result[-1].end_ms == span.start_ms:
            result[-1] = Span(result[-1].start_ms, span.end_ms)
        else:
            result.append(span)
    return result


@given(speech())
def test_all_speech_is_in_a_chunk_and_nothing_else_is(stretches):
    heard = [span for chunk in chunks(stretches) for span in chunk.spans]

    assert joined(heard) == joined(stretches)


@given(speech())
def test_chunks_are_short_in_order_and_apart(stretches):
    plan = chunks(stretches)

    assert all(0 < chunk.length_ms <= LONGEST_MS for chunk in plan)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(plan))


@given(speech())
def test_chunk_is_cut_in_speech_only_where_it_says_so(stretches):
    plan = chunks(stretches)

    for before, after in pairwise(plan):
        assert after.cut_in_speech == (before.end_ms == after.start_ms)


@given(speech())
def test_no_two_neighbours_would_fit_in_one_chunk(stretches):
    for before, after in pairwise(chunks(stretches)):
        assert before.length_ms + after.spans[0].length_ms > LONGEST_MS


@given(speech(), st.integers(0, 10_000))
def test_silences_and_speech_do_not_overlap_and_short_ones_are_left_out(stretches, tail_ms):
    duration_ms = (stretches[-1].end_ms if stretches else 0) + tail_ms

    quiet = silences(stretches, duration_ms=duration_ms)

    assert all(silence.length_ms >= 2_000 for silence in quiet)
    covered = sum(span.length_ms for span in stretches) + sum(silence.length_ms for silence in quiet)
    assert covered <= duration_ms


def test_speech_without_a_pause_is_cut_and_marked():
    plan = chunks([Span(1_000, 61_000)])

    assert [chunk.cut_in_speech for chunk in plan] == [False, True, True]
    assert [chunk.length_ms for chunk in plan] == [20_000, 20_000, 20_000]


def test_stored_chunk_reads_back():
    chunk = Chunk((Span(0, 5), Span(7, 9)), cut_in_speech=True)

    assert Chunk.from_json(chunk.to_json()) == chunk
