"""Whether we take a recording: pure rules over what was sniffed, probed and counted.

A refusal is a sentence for the candidate: what is wrong and what to do. Texts are gettext ids with named places.
Shorter than the rubric asks for is no refusal: candidate and assessor are told. Limits: reliability notes 2.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from workers.media.probe import TOO_HEAVY, AudioStream, Extent, Probe, TooHeavy, VideoStream
from workers.media.sniff import MEDIA, Sniffed

SHORTEST_MS = 200
NARROWEST_PX, WIDEST_PX = 16, 4096
MOST_PIXELS = 4096 * 2304
STEEPEST = Fraction(8)
# What a telephone makes at most: 4K with 120 frames a second, or slow motion. More takes hours to decode.
MOST_POINTS_A_SECOND = 1_000_000_000
MOST_FRAMES_A_SECOND = 300
SAMPLE_RATES_HZ = range(8_000, 192_001)
MOST_CHANNELS = 8
MOST_STREAMS = 8
CUT_SHORT = 0.95  # less than this share of the declared length is there, and at least a second is missing
CUT_SHORT_MS = 1_000
TOO_LONG_GRACE_MS = 1_000  # recorders stop a little after the limit they were given
VIDEO_CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "h263", "theora"}
    | {"wmv3", "vc1", "prores", "dnxhd", "msmpeg4v3"}
)
AUDIO_CODECS = frozenset(
    {"aac", "mp3", "mp2", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "amr_nb", "amr_wb", "wmav2"}
    | {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"}
    | {"pcm_f64le", "pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "gsm_ms"}
)

Kind = Literal["video", "audio"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the rubric and the operator take. `longest_ms` is the smaller of both limits: the rubric's, if it has one.

    `cannot_read`: codecs that the ffmpeg of this worker has no decoder for.
    """

    kind: Kind
    longest_ms: int
    largest_bytes: int
    cannot_read: frozenset[str] = frozenset()
    longest_is_rubrics: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a stable code, a gettext id and what fills its places."""

    code: str
    message: str
    params: dict[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.params


UNREADABLE = Refusal(
    "not-media",
    "This file is not a recording that we can read. Upload a video (MP4, MOV, WebM) or a sound file (MP3, M4A, WAV).",
)
DAMAGED = Refusal(
    "damaged",
    "This recording is damaged and can't be played to its end. Copy it again from the device "
    "or record it again, then upload it.",
)
A_TEXT = Refusal(
    "not-media",
    "This file is a text, not a recording. Upload a video (MP4, MOV, WebM) or a sound file (MP3, M4A, WAV).",
)
AN_OFFICE_FILE = Refusal(
    "not-media",
    "This file is a ZIP archive or office document, not a recording. Upload a video (MP4, MOV, WebM) or a sound "
    "file (MP3, M4A, WAV).",
)
OTHER_FILES = {
    Sniffed.PDF: Refusal(
        "not-media",
        "This file is a PDF document, not a recording. Upload a video (MP4, MOV, WebM) or a sound file "
        "(MP3, M4A, WAV).",
    ),
    Sniffed.PICTURE: Refusal(
        "not-media",
        "This file is a picture, not a recording. Upload a video (MP4, MOV, WebM) or a sound file (MP3, M4A, WAV).",
    ),
    Sniffed.ZIP: AN_OFFICE_FILE,
    Sniffed.OLD_OFFICE: AN_OFFICE_FILE,
    Sniffed.TEXT: A_TEXT,
    Sniffed.OLD_TEXT: A_TEXT,
    Sniffed.RTF: A_TEXT,
}


def refuse_bytes(sniffed: Sniffed, *, size_bytes: int, allowed: Allowed) -> Refusal | None:
    """Judge what the first bytes and the size say, before any tool opens the file."""
    if sniffed is Sniffed.EMPTY:
        return Refusal("empty", "This file is empty. Choose the recording again and upload it.")
    if size_bytes > allowed.largest_bytes:
        return Refusal(
            "too-large",
            "This file is %(size)s; we take up to %(largest)s. Record in a lower quality or cut it, "
            "then upload it again.",
            {"size": in_words_bytes(size_bytes), "largest": in_words_bytes(allowed.largest_bytes)},
        )
    if sniffed in OTHER_FILES:
        return OTHER_FILES[sniffed]
    return None if sniffed in MEDIA else UNREADABLE


def refuse_streams(probe: Probe, allowed: Allowed) -> Refusal | None:
    """Judge what the probe says, before anything reads the file to its end."""
    return next(_reasons(probe, allowed), None)


def _reasons(probe: Probe, allowed: Allowed) -> Iterator[Refusal]:
    if probe.stream_count > MOST_STREAMS:
        yield Refusal(
            "too-many-streams",
            "This file has %(count)d tracks; we take up to %(most)d. Export it with one picture and one sound track.",
            {"count": probe.stream_count, "most": MOST_STREAMS},
        )
    if probe.video is None and probe.audio is None:
        yield UNREADABLE
    if reason := _wrong_kind(probe, allowed.kind):
        yield reason
    if probe.video and (reason := _refuse_picture(probe.video, allowed)):
        yield reason
    if probe.audio and (reason := _refuse_sound(probe.audio)):
        yield reason
    if probe.declared_ms is not None and (reason := _refuse_length(probe.declared_ms, allowed)):
        yield reason


def _wrong_kind(probe: Probe, kind: Kind) -> Refusal | None:
    if kind == "video" and probe.video is None:
        return Refusal(
            "no-picture",
            "This file has sound but no picture, and a video is asked for here. Upload the video itself.",
        )
    if kind == "audio" and probe.audio is None:
        return Refusal("no-sound", "This file has no sound. Check the microphone, record again and upload it.")
    if kind == "audio" and probe.video is not None:
        return Refusal(
            "wrong-kind",
            "This file is a video, and a sound recording is asked for here. Upload the sound alone.",
        )
    return None


def _refuse_picture(video: VideoStream, allowed: Allowed) -> Refusal | None:
    if video.codec not in VIDEO_CODECS - allowed.cannot_read:
        return _unknown_codec(video.codec)
    width, height = video.upright_size
    sides = (width, height, video.width, video.height)
    if max(sides) > WIDEST_PX or max(width * height, video.width * video.height) > MOST_PIXELS:
        return Refusal(
            "too-many-pixels",
            "The picture has %(width)d × %(height)d points; we take up to 4096 × 2304. Export it in 1080p or 720p.",
            {"width": width, "height": height},
        )
    if min(sides) < NARROWEST_PX or Fraction(max(width, height), min(width, height)) > STEEPEST:
        return Refusal(
            "odd-shape",
            "The picture of %(width)d × %(height)d points is too small or too narrow to judge; we take 16 points a "
            "side or more, one side up to 8 times the other. Record or export it in a usual shape.",
            {"width": width, "height": height},
        )
    return None


def _refuse_sound(audio: AudioStream) -> Refusal | None:
    if audio.codec not in AUDIO_CODECS:
        return _unknown_codec(audio.codec)
    if audio.sample_rate_hz in SAMPLE_RATES_HZ and 1 <= audio.channels <= MOST_CHANNELS:
        return None
    return Refusal(
        "odd-sound",
        "The sound has %(rate)d samples a second on %(channels)d channels; we take 8,000 to 192,000 on up to 8. "
        "Export it with 44,100 or 48,000 samples a second, mono or stereo.",
        {"rate": audio.sample_rate_hz, "channels": audio.channels},
    )


def _unknown_codec(codec: str) -> Refusal:
    return Refusal(
        "unknown-codec",
        "This recording is stored in a way that we can't play (%(codec)s). Export it as MP4 (H.264, AAC) or as MP3.",
        {"codec": codec},
    )


def _refuse_length(duration_ms: int, allowed: Allowed) -> Refusal | None:
    if duration_ms > allowed.longest_ms + TOO_LONG_GRACE_MS:
        lengths: dict[str, str | int] = {
            "length": in_words_ms(duration_ms),
            "longest": in_words_ms(allowed.longest_ms),
        }
        if allowed.longest_is_rubrics:
            return Refusal(
                "too-long",
                "This file is %(length)s long; the rubric takes up to %(longest)s. Cut it and upload it again.",
                lengths,
            )
        return Refusal(
            "too-long", "This file is %(length)s long; we take up to %(longest)s. Cut it and upload it again.", lengths
        )
    if duration_ms < SHORTEST_MS:
        return Refusal(
            "too-short", "There is nothing in this recording: it ends within 0.2 s. Record again and upload it."
        )
    return None


def refuse_extent(probe: Probe, extent: Extent, allowed: Allowed) -> Refusal | None:
    """Judge what was counted: how much of the recording is really there."""
    if probe.video and not extent.video_packets:
        return DAMAGED
    if probe.audio and not probe.video and not extent.audio_packets:
        return DAMAGED
    if probe.declared_ms is not None and is_cut_short(extent.duration_ms, of_ms=probe.declared_ms):
        return Refusal(
            "truncated",
            "Only %(found)s of this recording are in the file, although it says that it is %(declared)s "
            "long. Copy it again from the device, then upload it.",
            {"found": in_words_ms(extent.duration_ms), "declared": in_words_ms(probe.declared_ms)},
        )
    if probe.video and _is_too_heavy(probe.video, extent):
        return Refusal(TooHeavy.default_code, TOO_HEAVY)
    return _refuse_length(extent.duration_ms, allowed)


def _is_too_heavy(video: VideoStream, extent: Extent) -> bool:
    """Tell whether there are more frames, or more points in them, than anybody records in that time."""
    seconds = Fraction(max(1_000, extent.duration_ms), 1_000)
    frames = extent.video_packets
    return (
        frames > MOST_FRAMES_A_SECOND * seconds or frames * video.width * video.height > MOST_POINTS_A_SECOND * seconds
    )


def is_cut_short(found_ms: int, *, of_ms: int) -> bool:
    """Tell whether so much is missing that it was lost, not rounded."""
    return found_ms < of_ms * CUT_SHORT and of_ms - found_ms >= CUT_SHORT_MS


def in_words_ms(duration_ms: int) -> str:
    """Say a length as people do: `3 h 2 min`, `12 min 5 s`, `45 s`, `0.1 s`."""
    if duration_ms < 1_000:  # noqa: PLR2004 - a second
        return f"{duration_ms / 1000:.1f} s"
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else seconds, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def in_words_bytes(size: int) -> str:
    """Say a size as people do: `2.1 GB`, `350 MB`, `12 kB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
