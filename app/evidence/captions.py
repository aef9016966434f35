"""Captions from a transcript: WebVTT, SRT and plain text, readable in both directions of writing.

A cue has at most 2 lines of 42 characters and 7 seconds (usual subtitling practice: EBU, BBC, Netflix style
guides agree within a few characters). Nothing is left out: a long phrase becomes several cues.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import accumulate, pairwise

from app.evidence.transcripts import Segment, Transcript, Word

LINE_WIDTH = 42
LONGEST_MS = 7_000
SHORTEST_MS = 833  # five sixths of a second: less can't be read
PAUSE_MS = 1_500  # a new cue after this much silence, so that text doesn't stand there unspoken
PARAGRAPH_MS = 2_000

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "sd", "ur", "yi"})
UNSPACED = frozenset({"zh", "ja", "yue", "th", "lo", "my", "km"})
SENTENCE_ENDS = (".", "?", "!", "؟", "۔", "。", "？", "！", "…")

RLM, FSI, PDI = "\u200f", "\u2068", "\u2069"
DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
CONTROLS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ufeff]+")
# In a mask of a line: o = other direction, s = its own, p = punctuation and blanks, d = digits, w = signs.
OTHER_RUN = re.compile(r"[wd]*o(?:[^s]*[od])?[wd]*")
LOOSE_PUNCTUATION = frozenset(".,;:!?،؛؟。،\"'()[]«»“”")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is not broken: mostly a word. `spaced`: a space stands before it, unless it begins a line."""

    start_ms: int
    end_ms: int
    text: str
    spaced: bool
    width: int


@dataclass(frozen=True, slots=True)
class Cue:
    """What is on the screen from `start_ms` to `end_ms`. Lines are plain, marks and escapes come later."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def webvtt(transcript: Transcript) -> str:
    """Return the captions as WebVTT; without speech only its header."""
    head = f"WEBVTT\n\nNOTE Made by a machine: {_one_line(escape(transcript.model, quote=False))}\n"
    rtl = writes_right_to_left(transcript.language)
    blocks = (
        f"\n{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n"
        + "\n".join(escape(directed(line, rtl=rtl), quote=False) for line in cue.lines)
        + "\n"
        for cue in cues(transcript)
    )
    return head + "".join(blocks)


def srt(transcript: Transcript) -> str:
    """Return the captions as SubRip. It knows no escapes: what would end a cue early is written otherwise."""
    rtl = writes_right_to_left(transcript.language)
    blocks = (
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n"
        + "\n".join(directed(line, rtl=rtl).replace("-->", "→") for line in cue.lines)
        + "\n"
        for number, cue in enumerate(cues(transcript), start=1)
    )
    return "\n".join(blocks)


def plain_text(transcript: Transcript) -> str:
    """Return what was said as paragraphs, a new one after each pause of two seconds."""
    segments = [segment for segment in transcript.segments if _one_line(segment.text)]
    if not segments:
        return ""
    joint = "" if _base(transcript.language) in UNSPACED else " "
    text = _one_line(segments[0].text)
    for before, segment in pairwise(segments):
        paused = segment.start_ms - before.end_ms >= PARAGRAPH_MS
        text += ("\n\n" if paused else joint) + _one_line(segment.text)
    return text + "\n"


def cues(transcript: Transcript) -> list[Cue]:
    """Cut a transcript into cues that can be read, in order, one at a time."""
    raw = [cue for segment in transcript.segments for cue in _segment_cues(segment)]
    return _one_at_a_time(sorted(raw, key=lambda cue: cue.start_ms))


def writes_right_to_left(language: str) -> bool:
    """Say whether a language tag (`ar`, `ar-OM`) is written from right to left."""
    return _base(language) in RIGHT_TO_LEFT


def directed(line: str, *, rtl: bool) -> str:
    """Put runs of the other direction into isolates (UAX #9), so that punctuation and order stay right.

    Players take a line's direction from its first strong letter and skip isolates in that search: a line of a
    right-to-left language therefore begins with an invisible mark of its own.
    """
    mask = "".join(_mask(letter, rtl=rtl) for letter in line)
    marked, end = "", 0
    for run in OTHER_RUN.finditer(mask):
        marked += line[end : run.start()] + FSI + line[run.start() : run.end()] + PDI
        end = run.end()
    return (RLM if rtl else "") + marked + line[end:]


def _mask(letter: str, *, rtl: bool) -> str:
    direction = unicodedata.bidirectional(letter)
    if direction in {"L", "R", "AL"}:
        return "o" if (direction == "L") is rtl else "s"
    if letter.isspace() or letter in LOOSE_PUNCTUATION:
        return "p"
    return "d" if letter.isdigit() else "w"


def _segment_cues(segment: Segment) -> Iterator[Cue]:
    held: list[Piece] = []
    for piece in _pieces(segment):
        if held and not _goes_on(held, piece):
            yield _cue(held)
            held = []
        held.append(piece)
    if held:
        yield _cue(held)


def _goes_on(held: Sequence[Piece], piece: Piece) -> bool:
    if piece.start_ms - held[-1].end_ms > PAUSE_MS or piece.end_ms - held[0].start_ms > LONGEST_MS:
        return False
    if held[-1].text.endswith(SENTENCE_ENDS) and len(_lines(held)) > 1:
        return False
    return bool(_lines([*held, piece]))


def _cue(held: Sequence[Piece]) -> Cue:
    return Cue(held[0].start_ms, held[-1].end_ms, _lines(held))


def _lines(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Set pieces as one line or as two of nearly equal width; nothing where they don't fit."""
    upto = list(accumulate(piece.width + piece.spaced for piece in pieces))
    whole = upto[-1] - pieces[0].spaced
    if whole <= LINE_WIDTH:
        return (_line(pieces),)
    ways = []
    for at in range(1, len(pieces)):
        upper, lower = upto[at - 1] - pieces[0].spaced, upto[-1] - upto[at - 1] - pieces[at].spaced
        if max(upper, lower) <= LINE_WIDTH:
            ways.append((not pieces[at].spaced, abs(upper - lower), at))
    if not ways:
        return ()
    _, _, at = min(ways)
    return (_line(pieces[:at]), _line(pieces[at:]))


def _line(pieces: Sequence[Piece]) -> str:
    return pieces[0].text + "".join((" " if piece.spaced else "") + piece.text for piece in pieces[1:])


def _pieces(segment: Segment) -> Iterator[Piece]:
    text, at = _one_line(segment.text), 0
    for word in segment.words or _even_words(segment):
        shown = _one_line(word.text)
        if not shown:
            continue
        # The segment's own text knows where a space stands: "well-known" comes as two words without one.
        found = text.find(shown, at)
        spaced = found != at
        at = found + len(shown) if found >= 0 else at
        yield from _short_pieces(word, shown, spaced=spaced)


def _short_pieces(word: Word, text: str, *, spaced: bool) -> Iterator[Piece]:
    """Give a word as a piece, one too wide for a line as several; time is shared by letters."""
    step = len(text) if _width(text) <= LINE_WIDTH else LINE_WIDTH // 2
    parts = [text[at : at + step] for at in range(0, len(text), step)]
    share = min(word.end_ms - word.start_ms, LONGEST_MS) / len(parts)
    for number, part in enumerate(parts):
        start_ms = word.start_ms + round(share * number)
        end_ms = word.start_ms + round(share * (number + 1))
        yield Piece(start_ms, end_ms, part, spaced=spaced and number == 0, width=_width(part))


def _even_words(segment: Segment) -> Iterator[Word]:
    """Share a segment's time among its words by their letters: for transcribers that give no word times."""
    texts = segment.text.split()
    letters = sum(len(text) for text in texts)
    length, passed = segment.end_ms - segment.start_ms, 0
    for text in texts:
        start_ms = segment.start_ms + length * passed // letters
        passed += len(text)
        yield Word(start_ms, segment.start_ms + length * passed // letters, text, 0.0)


def _one_at_a_time(ordered: Sequence[Cue]) -> list[Cue]:
    """Give short cues the time to be read and end each before the next begins, where there is room."""
    timed: list[Cue] = []
    next_start: int | None = None
    for cue in reversed(ordered):
        if timed and timed[-1].start_ms > cue.start_ms:
            next_start = timed[-1].start_ms
        end_ms = max(cue.end_ms, cue.start_ms + SHORTEST_MS)
        timed.append(replace(cue, end_ms=end_ms if next_start is None else min(end_ms, next_start)))
    return timed[::-1]


def _width(text: str) -> int:
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def _one_line(text: str) -> str:
    """Drop controls and direction marks that the model may have produced, and make every space one space."""
    return " ".join(DIRECTION_MARKS.sub("", CONTROLS.sub(" ", text)).split())


def _base(language: str) -> str:
    return language.lower().replace("_", "-").split("-")[0]


def _clock(ms: int, point: str) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{point}{rest:03d}"
