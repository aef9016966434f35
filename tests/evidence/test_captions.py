"""Captions: golden texts in both directions, and what must hold for any transcript."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evidence import captions
from app.evidence.transcripts import Segment, Span, Transcript, Word


def spoken(text: str, *, at_ms: int = 0, word_ms: int = 300) -> Segment:
    """One word after the other, without a pause."""
    words = tuple(
        Word(at_ms + number * word_ms, at_ms + (number + 1) * word_ms, word, 0.9)
        for number, word in enumerate(text.split())
    )
    return Segment(at_ms, words[-1].end_ms, text, words)


def transcript(*segments: Segment, language: str = "en") -> Transcript:
    return Transcript(language=language, model="base", segments=segments)


def test_english_captions_are_cut_into_readable_cues():
    said = spoken(
        "I check the valve, then I open it slowly while my colleague reads the gauge and says the numbers.",
        at_ms=1_000,
    )

    assert captions.webvtt(transcript(said)) == (
        "WEBVTT\n\nNOTE Made by a machine: base\n"
        "\n00:00:01.000 --> 00:00:05.800\n"
        "I check the valve, then I open it slowly\nwhile my colleague reads the gauge and\n"
        "\n00:00:05.800 --> 00:00:06.700\n"
        "says the numbers.\n"
    )


def test_srt_counts_its_cues_and_writes_commas():
    said = transcript(spoken("Ready."), spoken("Steady.", at_ms=3_661_001))

    assert captions.srt(said) == (
        "1\n00:00:00,000 --> 00:00:00,833\nReady.\n\n2\n01:01:01,001 --> 01:01:01,834\nSteady.\n"
    )


def test_arabic_lines_are_right_to_left_and_latin_runs_stand_alone_in_them():
    said = spoken("WCAG 2.2 معيار مهم، واستعملت C++؟")

    lines = captions.webvtt(transcript(said, language="ar-OM")).splitlines()

    assert lines[-1] == "\u200f\u2068WCAG 2.2\u2069 معيار مهم، واستعملت \u2068C++\u2069؟"


def test_arabic_run_in_an_english_line_stands_alone():
    assert captions.directed("He said مرحبا بكم, twice.", rtl=False) == "He said \u2068مرحبا بكم\u2069, twice."


def test_text_cannot_end_a_cue_or_bring_markup():
    said = transcript(spoken("<b>a</b> --> b & c"))

    assert "&lt;b&gt;a&lt;/b&gt; --&gt; b &amp; c" in captions.webvtt(said)
    assert captions.srt(said).count("-->") == 1


def test_controls_and_direction_marks_from_the_model_are_dropped():
    said = Segment(0, 900, "one\n\n\u202etwo\u0000 three", ())

    assert captions.plain_text(transcript(said)) == "one two three\n"
    assert "one two three" in captions.webvtt(transcript(said))


def test_word_with_hyphen_is_not_torn():
    words = tuple(Word(0, 300, text, 0.9) for text in ("A", "well", "-known", "way"))
    said = Segment(0, 900, "A well-known way", words)

    assert captions.cues(transcript(said))[0].lines == ("A well-known way",)


def test_pause_inside_a_phrase_begins_a_new_cue():
    said = Segment(0, 9_000, "wait now", (Word(0, 500, "wait", 1), Word(8_000, 9_000, "now", 1)))

    assert [(cue.start_ms, cue.end_ms) for cue in captions.cues(transcript(said))] == [
        (0, 833),
        (8_000, 9_000),
    ]


def test_paragraphs_follow_pauses():
    said = transcript(spoken("One."), spoken("Two.", at_ms=400), spoken("Three.", at_ms=9_000))

    assert captions.plain_text(said) == "One. Two.\n\nThree.\n"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_speech_gives_valid_and_empty_files(language):
    silent = transcript(language=language)

    assert captions.webvtt(silent).startswith("WEBVTT\n")
    assert "-->" not in captions.webvtt(silent)
    assert captions.srt(silent) == captions.plain_text(silent) == ""
    assert silent.confidence is None


def test_transcript_reads_back_what_it_wrote_and_ignores_what_workers_add():
    said = Transcript("ar", "base", (spoken("واحد اثنان"),), (Span(2_000, 5_000),))
    body = said.to_json()
    body["segments"][0]["figures"] = {"temperature": 0.0}

    assert Transcript.from_json(body) == said
    assert set(said.to_json()["segments"][0]) == {"start_ms", "end_ms", "text", "words"}
    assert said.confidence == pytest.approx(0.9)


texts = st.text(alphabet=st.sampled_from("abcdefgh-.?<&>واحدثن١2漢字\u202e\u064b"), min_size=1, max_size=60)
lengths = st.integers(min_value=0, max_value=12_000)


@st.composite
def transcripts(draw):
    at_ms, segments = 0, []
    for _ in range(draw(st.integers(0, 4))):
        words = []
        for text, gap, length in draw(st.lists(st.tuples(texts, lengths, lengths), max_size=12)):
            words.append(Word(at_ms + gap, at_ms + gap + length, text, 0.5))
            at_ms = words[-1].end_ms
        if words:
            text = " ".join(word.text for word in words)
            times = words if draw(st.booleans()) else []
            segments.append(Segment(words[0].start_ms, words[-1].end_ms, text, tuple(times)))
    return transcript(*segments, language=draw(st.sampled_from(["en", "ar", "zh"])))


def width(line: str) -> int:
    """Columns, counted here on its own: marks take none, Han letters two."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) == "W") for letter in line
    )


@given(transcripts())
def test_every_cue_can_be_read_and_nothing_said_is_lost(said):
    cues = captions.cues(said)

    assert all(1 <= len(cue.lines) <= 2 for cue in cues)
    assert all(width(line) <= captions.LINE_WIDTH for cue in cues for line in cue.lines)
    assert all(0 < cue.end_ms - cue.start_ms <= captions.LONGEST_MS for cue in cues)
    assert [cue.start_ms for cue in cues] == sorted(cue.start_ms for cue in cues)
    shown = "".join("".join(cue.lines) for cue in cues)
    spoken_text = "".join(segment.text for segment in said.segments)
    assert shown.replace(" ", "") == spoken_text.replace(" ", "").replace("\u202e", "")


@given(st.text(max_size=60), st.booleans())
def test_isolates_are_balanced_and_change_no_letter(line, rtl):
    plain = "".join(letter for letter in line if letter not in "\u200f\u2068\u2069")

    marked = captions.directed(plain, rtl=rtl)

    assert marked.count("\u2068") == marked.count("\u2069")
    assert marked.replace("\u2068", "").replace("\u2069", "").removeprefix("\u200f" if rtl else "") == plain
