"""The badge as people see it: the cut-corner assay mark, what was achieved, who awarded it. SVG and PNG."""

import math
from dataclasses import dataclass
from functools import cache
from html import escape

import segno

from app.credentials.raster import Canvas, Colour, Point, circle

SIZE = 600
GREEN: Colour = (11, 90, 84)
DEEP: Colour = (8, 71, 65)
BRASS: Colour = (217, 191, 134)
WHITE: Colour = (255, 255, 255)
INK: Colour = (25, 29, 33)

# The mark on its own 28 x 28 grid: an octagon with cut corners, a balance that is also an A, and a tick.
GRID = 28
OCTAGON: tuple[Point, ...] = ((8, 1), (20, 1), (27, 8), (27, 20), (20, 27), (8, 27), (1, 20), (1, 8))
LETTER: tuple[Point, ...] = ((8, 21), (14, 7), (20, 21))
TICK: tuple[Point, ...] = ((10.7, 16), (13.3, 18), (17.8, 12.7))

TITLE_LETTERS_A_LINE = 22
TITLE_LINES = 3
SCALLOPS = 28
CODE_CENTRE = 430
# Attributes and no style element: a strict content security policy lets these through.
_MIDDLE = 'text-anchor="middle" font-family='
_SANS = _MIDDLE + "\"'IBM Plex Sans','Plex Arabic',system-ui,sans-serif\""
_TITLE = _MIDDLE + '"\'Source Serif 4\',\'Plex Arabic\',Georgia,serif" font-weight="600" font-size="38" fill="#fff"'
_ISSUER = _SANS + ' font-weight="500" font-size="20" fill="#d9bf86"'
_FOOTER = _SANS + ' font-size="15" fill="#9fc4bf"'
RTL_LANGUAGES = frozenset({"ar", "fa", "he", "ur"})


@dataclass(frozen=True, slots=True)
class BadgeText:
    """What is written on the badge, in its language."""

    title: str
    issuer: str
    footer: str
    language: str


def svg(text: BadgeText) -> str:
    """Return the badge with its words. Fonts are the reader's own: nothing is loaded."""
    direction = "rtl" if text.language in RTL_LANGUAGES else "ltr"
    lines = wrapped(text.title, letters=TITLE_LETTERS_A_LINE, lines=TITLE_LINES)
    first = 392 - 23 * (len(lines) - 1)
    title = "".join(
        f'<text x="300" y="{first + 46 * index}" {_TITLE}>{escape(line)}</text>' for index, line in enumerate(lines)
    )
    issuer = wrapped(text.issuer, letters=40, lines=2)
    issuer_lines = "".join(
        f'<text x="300" y="{486 + 24 * index}" {_ISSUER}>{escape(line)}</text>' for index, line in enumerate(issuer)
    )
    label = escape(f"{text.title} - {text.issuer}", quote=True)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" \
width="{SIZE}" height="{SIZE}" role="img" aria-label="{label}" \
lang="{escape(text.language, quote=True)}" direction="{direction}">
<title>{escape(text.title)}</title>
<path d="{_path(_scaled(OCTAGON, SIZE))}" fill="{_hex(GREEN)}"/>
<path d="{_path(_inset(OCTAGON, 0.7))}" fill="none" stroke="{_hex(BRASS)}" stroke-width="3"/>
<path d="{_path(seal((300, 206), 112))}" fill="{_hex(DEEP)}" stroke="{_hex(BRASS)}" stroke-width="2"/>
<circle cx="300" cy="206" r="92" fill="none" stroke="{_hex(BRASS)}" stroke-width="1.5"/>
<g fill="none" stroke="#fff" stroke-linejoin="round" stroke-linecap="round">
<path d="{_path(_placed(OCTAGON, (300, 206), 128))}" stroke-width="5"/>
<path d="{_open(_placed(LETTER, (300, 206), 128))}{_open(_placed(TICK, (300, 206), 128))}" stroke-width="9"/>
</g>
{title}{issuer_lines}
<text x="300" y="548" {_FOOTER}>{escape(text.footer)}</text>
</svg>
"""


def png(address: str) -> bytes:
    """Return the badge as pixels: the mark, and the public address as a QR code instead of words.

    Words would need fonts and Arabic shaping; whoever sees the picture can scan it and read the page.
    """
    canvas = _blank_badge().copy()
    code = segno.make(address, error="l")
    rows = [list(row) for row in code.matrix]
    dot = 190 // len(rows)
    side = dot * len(rows)
    left, top = (SIZE - side) // 2, CODE_CENTRE - side // 2
    quiet = 3 * dot
    canvas.polygon(_cut_square((left - quiet, top - quiet), side + 2 * quiet, cut=14), WHITE)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                canvas.rectangle(left + dot * x, top + dot * y, width=dot, height=dot, colour=INK)
    return canvas.png()


@cache
def _blank_badge() -> Canvas:
    """Draw what all badges share, once for each process (0.3 s)."""
    canvas = Canvas(SIZE, SIZE)
    canvas.polygon(_scaled(OCTAGON, SIZE), GREEN)
    border = _inset(OCTAGON, 0.7)
    canvas.line([*border, border[0]], width=3, colour=BRASS)
    centre = (300.0, 178.0)
    canvas.polygon(seal(centre, 114), BRASS)
    canvas.polygon(seal(centre, 111.5), DEEP)
    canvas.polygon(circle(centre, radius=92.5, corners=120), BRASS)
    canvas.polygon(circle(centre, radius=91, corners=120), DEEP)
    mark = _placed(OCTAGON, centre, 128)
    canvas.line([*mark, mark[0]], width=5, colour=WHITE)
    canvas.line(_placed(LETTER, centre, 128), width=9, colour=WHITE)
    canvas.line(_placed(TICK, centre, 128), width=9, colour=WHITE)
    return canvas


def seal(centre: Point, radius: float) -> list[Point]:
    """Return a rosette: a circle whose edge swings in and out."""
    steps = SCALLOPS * 12
    return [
        (
            centre[0] + (radius - 5 + 5 * math.cos(SCALLOPS * turn)) * math.cos(turn),
            centre[1] + (radius - 5 + 5 * math.cos(SCALLOPS * turn)) * math.sin(turn),
        )
        for turn in (2 * math.pi * step / steps for step in range(steps))
    ]


def wrapped(text: str, *, letters: int, lines: int) -> list[str]:
    """Break a text at spaces into at most so many lines; what does not fit ends in an ellipsis."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if len(longer) <= letters or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    if len(found) > lines:
        found = [*found[: lines - 1], found[lines - 1] + " …"]
    return [line if len(line) <= letters + 8 else line[: letters + 7] + "…" for line in found]


def _scaled(points: tuple[Point, ...], size: float) -> list[Point]:
    return [(x * size / GRID, y * size / GRID) for x, y in points]


def _inset(points: tuple[Point, ...], grid_units: float) -> list[Point]:
    factor = 1 - grid_units / (GRID / 2 - 1)
    middle = GRID / 2
    return _scaled(tuple((middle + (x - middle) * factor, middle + (y - middle) * factor) for x, y in points), SIZE)


def _placed(points: tuple[Point, ...], centre: Point, size: float) -> list[Point]:
    return [(centre[0] + (x - GRID / 2) * size / GRID, centre[1] + (y - GRID / 2) * size / GRID) for x, y in points]


def _cut_square(corner: Point, side: float, *, cut: float) -> list[Point]:
    (x, y), far = corner, side
    return [
        (x + cut, y),
        (x + far - cut, y),
        (x + far, y + cut),
        (x + far, y + far - cut),
        (x + far - cut, y + far),
        (x + cut, y + far),
        (x, y + far - cut),
        (x, y + cut),
    ]


def _path(points: list[Point]) -> str:
    return f"{_open(points)}Z"


def _open(points: list[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
