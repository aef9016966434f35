"""Long videos in pieces: each is converted by itself and kept, so that a killed worker loses one of them.

The pieces are cut by time while decoding, not by copying packets: no key frame has to lie at a cut. They are MPEG-TS,
because such files are joined by putting one behind the other. Sound is encoded once for the whole.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from workers.media.fitting import fitted
from workers.media.picture import ENCODING, source_of
from workers.media.probe import Probe, ToolFailed, Unreadable
from workers.media.run import GLOBAL_OPTIONS, TELL_PROGRESS, convert_limits, in_shares, must_have_converted
from workers.media.sound import CLEAN
from workers.media.tools import Tools

LONG_MS = 600_000
PIECE_S = 60
SHORTEST_S = 10  # a rest below this goes with the piece before
# Frames are decoded before they are shown, so the first ones of a file have negative times, which MPEG-TS can't hold.
HEAD_START_S = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a recording; whole seconds, so that every time base agrees where it begins."""

    index: int
    start_s: int
    end_s: int | None

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return f"piece-{self.index:04}.ts"

    def length_ms(self, *, of_ms: int) -> int:
        """Return how long the piece is in a recording of this length."""
        return (of_ms if self.end_s is None else self.end_s * 1000) - self.start_s * 1000


def pieces(duration_ms: int) -> list[Piece]:
    """Cut a recording into pieces of a minute; the last one takes whatever is left."""
    count = max(1, (duration_ms // 1000 + PIECE_S - SHORTEST_S) // PIECE_S)
    return [
        Piece(index, index * PIECE_S, None if index == count - 1 else (index + 1) * PIECE_S) for index in range(count)
    ]


def convert_piece(
    path: Path,
    probe: Probe,
    piece: Piece,
    *,
    duration_ms: int,
    out_dir: Path,
    tools: Tools,
    on_progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Convert the picture of one piece and return the file. `on_progress` and errors as in `convert_picture`."""
    result = out_dir / piece.file
    length_ms = piece.length_ms(of_ms=duration_ms)
    run = tools.sandbox.run(
        _piece_command(path, probe, piece, result, tools),
        reads=[path],
        out_dir=out_dir,
        limits=convert_limits(length_ms),
        on_progress=_within(piece, in_shares(on_progress, length_ms)),
        cancelled=cancelled,
    )
    must_have_converted(run)
    return result


def _within(piece: Piece, tell: Callable[[float], None] | None) -> Callable[[float], None] | None:
    """The tool tells times of the whole: make them times of the piece."""
    return tell and (lambda seconds: tell(max(0.0, seconds - piece.start_s)))


def _piece_command(path: Path, probe: Probe, piece: Piece, result: Path, tools: Tools) -> list[str]:
    if probe.video is None:
        raise ValueError("there is no picture to convert")
    picture = source_of(path, ss=piece.start_s, an=None)[str(probe.video.index)]
    if piece.end_s is not None:
        # Not `-t`: that counts from the first frame, and a frame at the cut would come twice.
        picture = picture.filter("trim", end=piece.end_s - piece.start_s)
    # Times of the whole, so that the frames of all pieces lie on one grid.
    picture = picture.filter("setpts", f"PTS+{piece.start_s}/TB")
    settings = {
        **ENCODING,
        **CLEAN,
        "format": "mpegts",
        "muxdelay": 0,
        "muxpreload": 0,
        "output_ts_offset": HEAD_START_S,
    }
    graph = ffmpeg.output(fitted(picture, probe.video, folder=result.parent), str(result), **settings)
    return _compiled(graph.global_args(*GLOBAL_OPTIONS, *TELL_PROGRESS), tools)


def join(files: Sequence[Path], sound: Path | None, *, duration_ms: int, out_dir: Path, tools: Tools) -> Path:
    """Put pieces (in order) and the sound of the whole into one MP4, without encoding anything again.

    Raises `ToolFailed`.
    """
    whole, result = out_dir / "whole.ts", out_dir / "playable.mp4"
    with whole.open("wb") as target:
        for file in files:
            with file.open("rb") as source:
                shutil.copyfileobj(source, target)
    inputs = [whole, *([sound] if sound else [])]
    run = tools.sandbox.run(
        _join_command(whole, sound, result, tools), reads=inputs, out_dir=out_dir, limits=convert_limits(duration_ms)
    )
    try:
        must_have_converted(run)
    except Unreadable as error:  # the original was read to its end: what we made of it is at fault
        raise ToolFailed(f"the pieces could not be joined: {run.stderr[-500:]}") from error
    whole.unlink()
    return result


def _join_command(whole: Path, sound: Path | None, result: Path, tools: Tools) -> list[str]:
    streams = [source_of(whole, itsoffset=-HEAD_START_S)["v:0"]]
    if sound:
        streams.append(source_of(sound)["a:0"])
    settings = {**CLEAN, "c": "copy", "format": "mp4", "movflags": "+faststart"}
    graph = ffmpeg.output(*streams, str(result), **settings)
    return _compiled(graph.global_args(*GLOBAL_OPTIONS, "-copyts"), tools)


def _compiled(graph: "ffmpeg.Stream", tools: Tools) -> list[str]:
    return list(ffmpeg.compile(graph, cmd=str(tools.binaries.ffmpeg), overwrite_output=True))
