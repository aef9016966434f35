"""The rules that decide whether a recording is taken: sentences that say what to do."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.media.gate import (
    Allowed,
    Kind,
    in_words_bytes,
    in_words_ms,
    is_cut_short,
    refuse_bytes,
    refuse_extent,
    refuse_streams,
)
from workers.media.probe import AudioStream, Extent, Probe, TooHeavy, VideoStream, _Counter
from workers.media.sniff import Sniffed, sniff

VIDEO = VideoStream("h264", 1920, 1080, frame_rate=Fraction(30))
AUDIO = AudioStream("aac", 48_000, 2)
GOOD = Probe("mov", 60_000, 2, VIDEO, AUDIO)
TEN_MINUTES = Allowed("video", 600_000, 2 << 30)


def refused(probe: Probe, allowed: Allowed = TEN_MINUTES) -> str | None:
    refusal = refuse_streams(probe, allowed)
    return refusal.code if refusal else None


def video(**changes: object) -> Probe:
    return dataclasses.replace(GOOD, video=dataclasses.replace(VIDEO, **changes))


def audio(**changes: object) -> Probe:
    return dataclasses.replace(GOOD, audio=dataclasses.replace(AUDIO, **changes))


@pytest.mark.parametrize(
    ("probe", "kind", "code"),
    [
        (GOOD, "video", None),
        (dataclasses.replace(GOOD, audio=None), "video", None),
        (dataclasses.replace(GOOD, video=None), "audio", None),
        (dataclasses.replace(GOOD, video=None), "video", "no-picture"),
        (dataclasses.replace(GOOD, audio=None), "audio", "no-sound"),
        (GOOD, "audio", "wrong-kind"),
        (dataclasses.replace(GOOD, video=None, audio=None), "video", "not-media"),
        (dataclasses.replace(GOOD, stream_count=9), "video", "too-many-streams"),
        (video(codec="gif"), "video", "unknown-codec"),
        (video(width=4097, height=100), "video", "too-many-pixels"),
        (video(width=4096, height=4096), "video", "too-many-pixels"),
        (video(width=900, height=100), "video", "odd-shape"),
        (video(width=15, height=15), "video", "odd-shape"),
        (video(width=0, height=0), "video", "odd-shape"),
        (video(shape=Fraction(9)), "video", "too-many-pixels"),
        (video(width=1080, height=1920, rotation=90), "video", None),
        (audio(codec="xma1"), "video", "unknown-codec"),
        (audio(sample_rate_hz=1), "video", "odd-sound"),
        (audio(channels=9), "video", "odd-sound"),
        (dataclasses.replace(GOOD, declared_ms=10_920_000), "video", "too-long"),
        (dataclasses.replace(GOOD, declared_ms=600_900), "video", None),
        (dataclasses.replace(GOOD, declared_ms=100), "video", "too-short"),
        (dataclasses.replace(GOOD, declared_ms=None), "video", None),
    ],
)
def test_streams(probe: Probe, kind: Kind, code: str | None) -> None:
    assert refused(probe, dataclasses.replace(TEN_MINUTES, kind=kind)) == code


def test_a_refusal_says_what_is_wrong_and_what_to_do() -> None:
    refusal = refuse_streams(dataclasses.replace(GOOD, declared_ms=10_920_000), TEN_MINUTES)
    assert str(refusal) == "This file is 3 h 2 min long; the rubric takes up to 10 min. Cut it and upload it again."
    operators = dataclasses.replace(TEN_MINUTES, longest_is_rubrics=False)
    refusal = refuse_streams(dataclasses.replace(GOOD, declared_ms=10_920_000), operators)
    assert str(refusal) == "This file is 3 h 2 min long; we take up to 10 min. Cut it and upload it again."
    refusal = refuse_bytes(Sniffed.MP4, size_bytes=3_500_000_000, allowed=TEN_MINUTES)
    assert str(refusal).startswith("This file is 3.5 GB; we take up to 2.15 GB.")


def test_what_was_counted_is_believed_more_than_what_is_declared() -> None:
    long = dataclasses.replace(GOOD, declared_ms=None)
    too_long = refuse_extent(long, Extent(700_000, 100, 100), TEN_MINUTES)
    assert too_long is not None
    assert too_long.code == "too-long"
    assert refuse_extent(GOOD, Extent(59_500, 100, 100), TEN_MINUTES) is None
    cut = refuse_extent(GOOD, Extent(30_000, 100, 100), TEN_MINUTES)
    assert cut is not None
    assert cut.code == "truncated"
    empty = refuse_extent(GOOD, Extent(60_000, 0, 100), TEN_MINUTES)
    assert empty is not None
    assert empty.code == "damaged"


@pytest.mark.parametrize(
    ("size", "frames_a_second", "code"),
    [
        ((3840, 2160), 120, None),  # what telephones make
        ((1920, 1080), 240, None),
        ((3840, 2160), 130, "too-heavy"),
        ((160, 120), 310, "too-heavy"),
    ],
)
def test_more_to_decode_than_anybody_records_is_refused(
    size: tuple[int, int], frames_a_second: int, code: str | None
) -> None:
    refusal = refuse_extent(
        video(width=size[0], height=size[1]), Extent(60_000, 60 * frames_a_second, 100), TEN_MINUTES
    )
    assert (refusal.code if refusal else None) == code


def test_counting_ends_where_no_recording_has_so_many_frames() -> None:
    counter = _Counter(most_frames=2)
    for number in range(2):
        counter.take(b"video,%d.0,%d.0,1.0" % (number, number))
    assert counter.extent() == Extent(2_000, 2, 0)
    with pytest.raises(TooHeavy):
        counter.take(b"video,2.0,2.0,1.0")


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_longer_finding_is_never_worse(found: int, more: int) -> None:
    assert not is_cut_short(found + more, of_ms=found)
    if is_cut_short(found + 1, of_ms=more):
        assert is_cut_short(found, of_ms=more)


@given(st.integers(0, 10**9))
def test_lengths_are_said_in_words(duration_ms: int) -> None:
    said = in_words_ms(duration_ms)
    assert said.split()[-1] in {"s", "min", "h"}


@pytest.mark.parametrize(
    ("duration_ms", "said"),
    [
        (0, "0.0 s"),
        (140, "0.1 s"),
        (45_000, "45 s"),
        (725_000, "12 min 5 s"),
        (10_920_000, "3 h 2 min"),
        (3_600_000, "1 h"),
    ],
)
def test_lengths(duration_ms: int, said: str) -> None:
    assert in_words_ms(duration_ms) == said


def test_sizes() -> None:
    assert [in_words_bytes(size) for size in (12, 12_000, 350 * 10**6, 2_147_483_648)] == [
        "12 bytes",
        "12 kB",
        "350 MB",
        "2.15 GB",
    ]


@given(st.binary(max_size=600))
def test_any_bytes_are_something(head: bytes) -> None:
    assert isinstance(sniff(head), Sniffed)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x20ftypisom", Sniffed.MP4),
        (b"\x1a\x45\xdf\xa3" + bytes(20), Sniffed.MATROSKA),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", Sniffed.WAV),
        (b"RIFF\x00\x00\x00\x00AVI LIST", Sniffed.AVI),
        ((b"\x47" + bytes(187)) * 3, Sniffed.MPEG_TS),
        (b"\xff\xf1\x50\x80", Sniffed.AAC),
        (b"\xff\xfb\x90\x00", Sniffed.MP3),
        (b"ID3\x04", Sniffed.MP3),
        ("مرحبا".encode(), Sniffed.TEXT),
        (("م" * 3000).encode()[:4095], Sniffed.TEXT),
        (b"\x00\x01\x02", Sniffed.UNKNOWN),
    ],
)
def test_first_bytes(head: bytes, kind: Sniffed) -> None:
    assert sniff(head) is kind
