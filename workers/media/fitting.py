"""What is done to each frame between its decoder and our encoder: one chain of filters, built from the probe."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil
from pathlib import Path

import ffmpeg

from workers.media.probe import VideoStream
from workers.media.tonemap import Curve, write_table

Step = tuple[str, Mapping[str, str | int]]  # a filter and its options

BOX = (1_280, 720)  # turned upright for upright pictures
MOST_FRAMES_A_SECOND = Fraction(30)
FEWEST_AFTER_SHARING = 23  # 50 frames a second become 25, but 33 don't become 16.5
# A container that counts in milliseconds makes ffprobe guess 1000 frames a second; the average is nearer then.
MOST_BELIEVED = 240
FEWEST_BELIEVED = 10
WIDE_COLOURS = "bt2020"
FIRST_709_HEIGHT = 720  # below this, an unnamed matrix is BT.601: what cameras and browsers assume
USUAL = {"color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}


def constant_rate(video: VideoStream) -> Fraction:
    """Return the frames a second of the rendition: those of the source, or an even share of them, at most 30.

    A gap between two frames is filled with copies, which cost next to nothing. They are bounded: 30 for each second
    that the rubric allows.
    """
    rate = video.nominal_rate
    if not 0 < rate <= MOST_BELIEVED:
        rate = video.frame_rate if video.frame_rate >= FEWEST_BELIEVED else MOST_FRAMES_A_SECOND
    if rate <= MOST_FRAMES_A_SECOND:
        return rate.limit_denominator(1001)
    share = rate / ceil(rate / MOST_FRAMES_A_SECOND)
    return share.limit_denominator(1001) if share >= FEWEST_AFTER_SHARING else MOST_FRAMES_A_SECOND


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """Return the size in the box: never larger than it was, even sides (H.264 halves the colours)."""
    box = BOX if width >= height else BOX[::-1]
    shrink = min(Fraction(1), Fraction(box[0], width), Fraction(box[1], height))
    return max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)


def fitted(stream: "ffmpeg.Stream", video: VideoStream, *, folder: Path) -> "ffmpeg.Stream":
    """Make the picture what every browser shows: in the box, square points, BT.709, 8 bit, constant rate, no lines.

    ffmpeg has turned the picture by then (it does so before the first filter), so sizes are as people see them.
    `folder` is the job's, for a table of colours.
    """
    for name, options in _steps(video, folder):
        stream = stream.filter(name, **options)
    return stream


def _steps(video: VideoStream, folder: Path) -> Iterator[Step]:
    rate = constant_rate(video)
    pace = ("fps", {"fps": f"{rate.numerator}/{rate.denominator}"})
    fewer = video.frame_rate > rate
    if video.is_interlaced:
        yield "bwdif", {"mode": "send_frame", "deint": "interlaced"}
    if fewer:
        yield pace  # first: what is dropped need not be scaled
    yield from _colours(video, folder)
    yield "setsar", {"sar": 1}
    if not fewer:
        yield pace  # last: copies need not be scaled


def _colours(video: VideoStream, folder: Path) -> Iterator[Step]:
    width, height = fitted_size(*video.upright_size)
    curve = curve_of(video)
    ours = {"out_color_matrix": "bt709", "out_range": "tv"}
    matrix = {"in_color_matrix": _matrix(video)}
    if curve is None:
        yield "scale", {"w": width, "h": height, **matrix, **ours}
    else:
        yield "scale", {"w": width, "h": height, **matrix}
        yield "format", {"pix_fmts": "gbrp10le"}
        yield "lut3d", {"file": str(write_table(folder / "colours.cube", curve)), "interp": "tetrahedral"}
        yield "setparams", {"color_primaries": "bt709", "color_trc": "bt709"}
        yield "scale", ours
    yield "format", {"pix_fmts": "yuv420p"}
    yield "setparams", {**USUAL, "range": "tv", "field_mode": "prog"}


def curve_of(video: VideoStream) -> Curve | None:
    """Return what has to be undone: None for a picture in the usual colours."""
    if video.transfer in {Curve.PQ, Curve.HLG}:
        return Curve(video.transfer)
    return Curve.USUAL if video.primaries == WIDE_COLOURS else None


def _matrix(video: VideoStream) -> str:
    """Return the matrix of the source, as `scale` calls it; a guess where the source doesn't name it."""
    named = {"bt709": "bt709", "bt2020nc": "bt2020", "bt2020c": "bt2020", "smpte240m": "smpte240m", "fcc": "fcc"}
    if video.matrix in named:
        return named[video.matrix]
    if video.matrix in {"bt470bg", "smpte170m"}:
        return "bt601"
    if curve_of(video):
        return "bt2020"
    return "bt709" if min(video.width, video.height) >= FIRST_709_HEIGHT else "bt601"
