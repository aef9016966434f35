"""A small canvas in pure Python: filled polygons and thick lines with soft edges, saved as PNG.

Enough for a badge, so that no picture library is needed on the site.
"""

import math
import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise

from app.credentials.baking import PNG_SIGNATURE, png_chunk

Point = tuple[float, float]
Colour = tuple[int, int, int]

# Rows are cut into this many lines; along a line the share of each pixel is exact.
LINES = 4
SOLID = 0.999
ROUND = 24


class Canvas:
    """Red, green, blue and opacity, transparent at first."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(4 * width) for _ in range(height)]

    def copy(self) -> "Canvas":
        """Return a canvas with the same picture."""
        twin = Canvas(self.width, self.height)
        twin._rows = [bytearray(row) for row in self._rows]
        return twin

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        top = max(0, math.floor(min(y for _, y in points)))
        bottom = min(self.height, math.ceil(max(y for _, y in points)))
        for y in range(top, bottom):
            self._blend(y, _coverage(points, y, self.width), colour)

    def line(self, points: Sequence[Point], *, width: float, colour: Colour) -> None:
        """Draw a thick line with round ends and corners."""
        for start, end in pairwise(points):
            self.polygon(_bar(start, end, width=width), colour)
        for point in points:
            self.polygon(circle(point, radius=width / 2), colour)

    def rectangle(self, x: int, y: int, *, width: int, height: int, colour: Colour) -> None:
        """Fill whole pixels."""
        filling = bytes((*colour, 255)) * width
        for row in self._rows[y : y + height]:
            row[4 * x : 4 * (x + width)] = filling

    def png(self) -> bytes:
        """Return the picture as PNG with opacity."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 6, 0, 0, 0)
        pixels = b"".join(b"\x00" + row for row in self._rows)
        return (
            PNG_SIGNATURE
            + png_chunk(b"IHDR", header)
            + png_chunk(b"IDAT", zlib.compress(pixels, 9))
            + png_chunk(b"IEND", b"")
        )

    def _blend(self, y: int, shares: list[float], colour: Colour) -> None:
        row = self._rows[y]
        solid = bytes((*colour, 255))
        for x, share in enumerate(shares):
            if share >= SOLID:
                row[4 * x : 4 * x + 4] = solid
            elif share > 1 / 255:
                row[4 * x : 4 * x + 4] = _over(row[4 * x : 4 * x + 4], colour, share)


def circle(centre: Point, *, radius: float, corners: int = ROUND) -> list[Point]:
    """Return a polygon that looks round."""
    return [
        (
            centre[0] + radius * math.cos(2 * math.pi * step / corners),
            centre[1] + radius * math.sin(2 * math.pi * step / corners),
        )
        for step in range(corners)
    ]


def _over(below: bytearray, colour: Colour, share: float) -> bytes:
    """Lay a colour with this opacity over a pixel."""
    old = below[3] / 255 * (1 - share)
    opacity = share + old
    mixed = [round((new * share + was * old) / opacity) for new, was in zip(colour, below[:3], strict=True)]
    return bytes((*mixed, round(opacity * 255)))


def _coverage(points: Sequence[Point], row: int, width: int) -> list[float]:
    """Return how much of each pixel of the row the polygon covers (even-odd rule)."""
    steps = [0.0] * (width + 2)
    for line in range(LINES):
        y = row + (line + 0.5) / LINES
        for index, x in enumerate(_crossings(points, y)):
            at = min(max(x, 0.0), float(width))
            whole = int(at)
            weight = (1 if index % 2 == 0 else -1) / LINES
            steps[whole] += weight * (1 - (at - whole))
            steps[whole + 1] += weight * (at - whole)
    return list(accumulate(steps))[:width]


def _crossings(points: Sequence[Point], y: float) -> list[float]:
    found = []
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        if (y1 <= y) != (y2 <= y):
            found.append(x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return sorted(found)


def _bar(start: Point, end: Point, *, width: float) -> list[Point]:
    length = math.dist(start, end)
    across = (width / 2 * (start[1] - end[1]) / length, width / 2 * (end[0] - start[0]) / length)
    return [
        (start[0] + across[0], start[1] + across[1]),
        (end[0] + across[0], end[1] + across[1]),
        (end[0] - across[0], end[1] - across[1]),
        (start[0] - across[0], start[1] - across[1]),
    ]
