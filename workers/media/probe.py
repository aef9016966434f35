"""What is in a recording, asked of ffprobe in the sandbox; its length is counted, not believed."""

import signal
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.errors import AssayError
from workers.media.sandbox import GIB, Finished, Limits
from workers.media.tools import Tools
from workers.media.watch import Ended

FORMATS = "mov,matroska,webm,avi,mpegts,mp3,aac,wav,flac,ogg"
# Input options: they must stand before `-i`. The whitelist of formats is what keeps playlists out
# (reliability 2.1).
INPUT_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
PROBE_OPTIONS = {**INPUT_OPTIONS, "max_streams": "16", "probesize": "20M", "analyzeduration": "20M"}
PROBE_LIMITS = Limits(
    cpu_seconds=10,
    wall_seconds=60,  # a busy machine is slow, not at fault
    memory_bytes=GIB,
    file_bytes=0,
)
COUNT_LIMITS = Limits(cpu_seconds=120, wall_seconds=600, memory_bytes=GIB, file_bytes=0)
SHOWN = (
    "format=format_name,duration"
    ":stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,pix_fmt"
    ",field_order,color_space,color_transfer,color_primaries,sample_rate,channels"
    ":stream_disposition=attached_pic,default:stream_side_data=rotation"
)


ODD_GAP_SECONDS = 1.0
MOST_FRAMES = 4_000_000  # an upload may hold a hundred times as many, of a few bytes each
TOO_HEAVY = (
    "This recording takes more work to convert than we allow: its picture is too large or has too many frames a "
    "second. Export it in 1080p with 30 frames a second, then upload it again."
)
INTERLACED = frozenset({"tt", "bb", "tb", "bt"})


class Unreadable(AssayError):
    """The tool can't make sense of this file: the file's fault."""

    default_code = "not-media"


class TooHeavy(Unreadable):
    """Reading it takes more than we give, whoever tries."""

    default_code = "too-heavy"


class ToolFailed(RuntimeError):
    """The tool died or was too slow: our fault, so the job tries again."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The moving picture, as stored: before rotation (degrees), `shape` is a pixel's width/height.

    `frame_rate` is the average, `nominal_rate` the lowest rate whose grid holds all times. What the file doesn't say
    is empty.
    """

    codec: str
    width: int
    height: int
    rotation: int = 0
    shape: Fraction = Fraction(1)
    frame_rate: Fraction = Fraction(0)
    nominal_rate: Fraction = Fraction(0)
    index: int = 0
    pixels: str = ""
    field_order: str = ""
    matrix: str = ""
    transfer: str = ""
    primaries: str = ""

    @property
    def is_interlaced(self) -> bool:
        """Tell whether each frame holds two moments, line by line."""
        return self.field_order in INTERLACED

    @property
    def upright_size(self) -> tuple[int, int]:
        """Return width and height as they are seen."""
        seen = (round(self.width * self.shape), self.height)
        return seen if self.rotation % 180 == 0 else (seen[1], seen[0])


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The sound."""

    codec: str
    sample_rate_hz: int
    channels: int
    index: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """What a recording says about itself; `declared_ms` is None where it does not (browser recordings)."""

    container: str
    declared_ms: int | None
    stream_count: int
    video: VideoStream | None
    audio: AudioStream | None

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> "Probe":
        """Read what inspection has stored."""
        return TypeAdapter(cls).validate_python(stored)


@dataclass(frozen=True, slots=True)
class Extent:
    """What was counted: from the first packet to the end of the last, and how many of each kind.

    `odd_times`: the picture stands still for more than a second somewhere, or frames say no time.
    """

    duration_ms: int
    video_packets: int
    audio_packets: int
    odd_times: bool = False


class _Disposition(BaseModel):
    attached_pic: int = 0
    default: int = 0


class _SideData(BaseModel):
    rotation: int = 0


class _Stream(BaseModel):
    index: int
    codec_type: str = ""
    codec_name: str = "unknown"
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = "1:1"
    avg_frame_rate: str = "0/0"
    r_frame_rate: str = "0/0"
    pix_fmt: str = ""
    field_order: str = ""
    color_space: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    sample_rate: int = 0
    channels: int = 0
    disposition: _Disposition = _Disposition()
    side_data_list: list[_SideData] = Field(default_factory=list)


class _Format(BaseModel):
    format_name: str
    duration: float | None = None


class _Answer(BaseModel):
    format: _Format
    streams: list[_Stream] = Field(default_factory=list)


def probe(path: Path, *, tools: Tools, scratch: Path) -> Probe:
    """Ask what is in the file. Raises `Unreadable` where it is no recording, `ToolFailed` where we failed.

    `scratch` is an empty folder of the job; nothing is written there.
    """
    command = _command(tools, PROBE_OPTIONS, SHOWN, "json", path)
    answer = tools.sandbox.run(command, reads=[path], out_dir=scratch, limits=PROBE_LIMITS)
    must_have_run(answer)
    try:
        return _facts(_Answer.model_validate_json(answer.stdout or b"{}"))
    except ValidationError as error:
        raise Unreadable(
            "This file begins like a recording, but it can't be read: perhaps its copy was cut off. "
            "Copy it again from the device or record it again, then upload it."
        ) from error


def _command(tools: Tools, options: dict[str, str], shown: str, form: str, path: Path) -> list[str]:
    words = [word for name, value in options.items() for word in (f"-{name}", value)]
    asked = ["-v", "error", *words, "-show_entries", shown, "-of", form]
    return [str(tools.binaries.ffprobe), *asked, f"file:{path}"]


def must_have_run(run: Finished) -> None:
    """Raise unless the tool came to its own end, whatever its verdict on the file.

    `TooHeavy` where it used up its CPU seconds: a busy machine gives fewer, not more expensive ones, so a new try would
    end the same way. `ToolFailed` otherwise.
    """
    if run.ended is Ended.EXIT and _ran_out_of_cpu(run):
        raise TooHeavy(TOO_HEAVY)
    if run.ended is not Ended.EXIT or run.returncode < 0:
        raise ToolFailed(f"media tool ended by {run.ended}, status {run.returncode}: {run.stderr[-500:]}")


def _ran_out_of_cpu(run: Finished) -> bool:
    """Tell whether SIGXCPU ended it. ffmpeg catches that one, finishes its files and says so."""
    said = f"received signal {signal.SIGXCPU.value}"
    return run.returncode == -signal.SIGXCPU or (not run.ok and said in run.stderr)


def _facts(answer: _Answer) -> Probe:
    # Of several tracks the one that the file calls its default, as players do; a cover is no picture.
    ordered = sorted(answer.streams, key=lambda it: not it.disposition.default)
    pictures = [it for it in ordered if it.codec_type == "video" and not it.disposition.attached_pic]
    sounds = [it for it in ordered if it.codec_type == "audio"]
    return Probe(
        container=answer.format.format_name.split(",")[0],
        declared_ms=round(answer.format.duration * 1000) if answer.format.duration else None,
        stream_count=len(answer.streams),
        video=_video(pictures[0]) if pictures else None,
        audio=_audio(sounds[0]) if sounds else None,
    )


def _video(stream: _Stream) -> VideoStream:
    rotation = next((data.rotation for data in stream.side_data_list if data.rotation), 0)
    return VideoStream(
        codec=stream.codec_name,
        width=stream.width,
        height=stream.height,
        rotation=rotation,
        shape=_fraction(stream.sample_aspect_ratio.replace(":", "/")) or Fraction(1),
        frame_rate=_fraction(stream.avg_frame_rate),
        nominal_rate=_fraction(stream.r_frame_rate),
        index=stream.index,
        pixels=stream.pix_fmt,
        field_order=stream.field_order,
        matrix=stream.color_space,
        transfer=stream.color_transfer,
        primaries=stream.color_primaries,
    )


def _audio(stream: _Stream) -> AudioStream:
    return AudioStream(
        codec=stream.codec_name, sample_rate_hz=stream.sample_rate, channels=stream.channels, index=stream.index
    )


def _fraction(text: str) -> Fraction:
    """Read `25/1`; ffprobe says `0/0` or `N/A` where it does not know."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def count(
    path: Path,
    *,
    tools: Tools,
    scratch: Path,
    cancelled: Callable[[], bool] | None = None,
) -> Extent:
    """Read every packet (nothing is decoded) and return how much there really is.

    Browser recordings do not say how long they are, and a file cut short says too much. Raises as `probe` does.
    """
    shown = "packet=codec_type,pts_time,dts_time,duration_time"
    command = _command(tools, INPUT_OPTIONS, shown, "csv=p=0", path)
    counter = _Counter()
    run = tools.sandbox.run(
        command, reads=[path], out_dir=scratch, limits=COUNT_LIMITS, on_line=counter.take, cancelled=cancelled
    )
    must_have_run(run)
    return counter.extent()


class _Counter:
    """Adds up ffprobe's lines `kind,pts,dts,duration`."""

    def __init__(self, *, most_frames: int = MOST_FRAMES) -> None:
        self._most_frames = most_frames
        self._packets = {"video": 0, "audio": 0}
        self._times = array("d")  # of the picture, in the order of the file; 8 bytes a frame
        self._timeless = False
        self._first = float("inf")
        self._end = 0.0

    def take(self, line: bytes) -> None:
        kind, *times = line.decode("ascii", errors="replace").split(",")
        if kind not in self._packets:
            return
        shown, decoded, duration = (_seconds(time) for time in (*times, "", "", "")[:3])
        start = shown if shown is not None else decoded
        self._packets[kind] += 1
        if kind == "video":
            if self._packets[kind] > self._most_frames:
                raise TooHeavy(TOO_HEAVY)
            self._times.append(shown if shown is not None else 0.0)
            self._timeless |= shown is None
        if start is not None:
            self._first = min(self._first, start)
            self._end = max(self._end, start + (duration or 0.0))

    def extent(self) -> Extent:
        # Before zero lies what is decoded and thrown away (AAC's first frame): it is not part of the length.
        start = max(0.0, min(self._first, self._end))
        length_ms = round((self._end - start) * 1000)
        gaps = np.diff(np.sort(np.frombuffer(self._times))) > ODD_GAP_SECONDS if self._times else np.zeros(0)
        odd = self._timeless or bool(gaps.any())
        return Extent(length_ms, self._packets["video"], self._packets["audio"], odd)


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
