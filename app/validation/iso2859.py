"""Single sampling by attributes after MIL-STD-105E (the public source of ISO 2859-1), with its switching rules. Pure.

The tables are regular: along the code letters of one AQL the acceptance numbers run through one fixed sequence, which
starts one letter later for each AQL step downwards. That sequence is written here instead of three large tables.
Reduced inspection keeps 105E's gap: more faults than `accept`, fewer than `reject_at` accept the lot and end reduction.
"""

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum

from app.errors import FieldError, Invalid
from app.validation.plans import Sizes

LETTERS = "ABCDEFGHJKLMNPQR"
AQLS = ("10", "6.5", "4.0", "2.5", "1.5", "1.0", "0.65", "0.40", "0.25", "0.15", "0.10", "0.065", "0.040", "0.025")
# The largest lot of each row of table I; larger lots use the last row.
LOT_LIMITS = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
# Table I: one letter for each row of lot sizes.
LEVELS = {
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
}
UP, DOWN = "up", "down"
Cell = tuple[int, int] | str


class Severity(StrEnum):
    """How strictly lots are inspected. `full`: discontinued after too many failures, every decision is looked at."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    FULL = "full"


SAMPLE_SIZES = {
    Severity.NORMAL: (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000),
    Severity.TIGHTENED: (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000),
    Severity.REDUCED: (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800),
}
# From the letter of the first plan on: what follows down one AQL column. After its end: up.
SEQUENCES: dict[Severity, tuple[Cell, ...]] = {
    Severity.NORMAL: (
        *((0, 1), UP, DOWN),
        *((1, 2), (2, 3), (3, 4), (5, 6), (7, 8), (10, 11), (14, 15), (21, 22)),
    ),
    Severity.TIGHTENED: (
        *((0, 1), DOWN, DOWN),
        *((1, 2), (2, 3), (3, 4), (5, 6), (8, 9), (12, 13), (18, 19)),
    ),
    Severity.REDUCED: (
        *((0, 1), UP, DOWN),
        *((0, 2), (1, 3), (1, 4), (2, 5), (3, 6), (5, 8), (7, 10), (10, 13)),
    ),
}
# The letter at which the sequence starts for AQL 10, counted from A = 0; one later for each step down.
FIRST_LETTER = {Severity.NORMAL: -1, Severity.TIGHTENED: 0, Severity.REDUCED: -1}


def code_letter(*, lot: int, level: str) -> str:
    """Return the code letter of a lot size (table I)."""
    return LEVELS[level][bisect_left(LOT_LIMITS, lot)]


def iso2859_sizes(*, lot: int, level: str, aql: str, severity: Severity = Severity.NORMAL) -> Sizes:
    """Return the plan for a lot. Invalid for an unknown level or an AQL that the tables do not have.

    Arrows lead to another sample size as well as another acceptance number. A sample as large as the lot is all of it.
    """
    if level not in LEVELS:
        raise Invalid("There is no such inspection level.", errors=(FieldError("level", ", ".join(LEVELS)),))
    letter = code_letter(lot=lot, level=level)
    row, (accept, reject_at) = _follow(LETTERS.index(letter), _column(aql), severity)
    n = min(SAMPLE_SIZES[severity][row], lot)
    reason = f"code letter {letter}, plan of {LETTERS[row]}, AQL {aql} %, {severity}"
    return Sizes(n=n, accept=accept, reject_at=reject_at, reason=reason + (": all" if n == lot else ""))


def _column(aql: str) -> int:
    for number, each in enumerate(AQLS):
        if float(each) == _number(aql):
            return number
    raise Invalid("The tables have no plan for this AQL.", errors=(FieldError("aql", ", ".join(reversed(AQLS))),))


def _number(aql: str) -> float | None:
    try:
        return float(aql)
    except ValueError:
        return None


def _cell(row: int, column: int, severity: Severity) -> Cell:
    sequence = SEQUENCES[severity]
    place = row - (FIRST_LETTER[severity] + column)
    if place < 0:
        return DOWN
    return sequence[place] if place < len(sequence) else UP


def _follow(row: int, column: int, severity: Severity) -> tuple[int, tuple[int, int]]:
    """Follow the arrows to a plan. An arrow that leads off the table is turned round, as the printed ones are."""
    cell = _cell(row, column, severity)
    if isinstance(cell, tuple):
        return row, cell
    step = -1 if cell == UP else 1
    target = row + step
    while 0 <= target < len(LETTERS):
        found = _cell(target, column, severity)
        if isinstance(found, tuple):
            return target, found
        target += step
    step = -step
    target = row + step
    while not isinstance(found := _cell(target, column, severity), tuple):
        target += step
    return target, found


WINDOW = 5
FAILS_TO_TIGHTEN = 2
ACCEPTED_TO_RELAX = 5
FAILS_TO_DISCONTINUE = 5
SCORE_TO_REDUCE = 30
LOW_ACCEPT = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Where switching stands: the results since the last switch, and the switching score of normal inspection."""

    severity: Severity = Severity.NORMAL
    results: tuple[bool, ...] = ()
    score: int = 0


def after_lot(standing: Standing, *, accepted: bool, accept: int) -> Standing:
    """Return the standing after one more lot.

    With `accept` of 2 or more the score asks whether the lot would have passed one AQL step tighter. A history of
    accepted and rejected alone can't tell: accepted counts as that here.
    """
    results = (*standing.results, accepted)
    if standing.severity is Severity.NORMAL:
        return _after_normal(standing, results, accepted=accepted, accept=accept)
    if standing.severity is Severity.TIGHTENED:
        return _after_tightened(results)
    if standing.severity is Severity.REDUCED and not accepted:
        return Standing()
    return Standing(standing.severity, results)


def _after_normal(standing: Standing, results: tuple[bool, ...], *, accepted: bool, accept: int) -> Standing:
    if results[-WINDOW:].count(False) >= FAILS_TO_TIGHTEN:
        return Standing(Severity.TIGHTENED)
    gain = 2 if accept <= LOW_ACCEPT else 3
    score = standing.score + gain if accepted else 0
    if score >= SCORE_TO_REDUCE:
        return Standing(Severity.REDUCED)
    return Standing(Severity.NORMAL, results, score)


def _after_tightened(results: tuple[bool, ...]) -> Standing:
    if results.count(False) >= FAILS_TO_DISCONTINUE:
        return Standing(Severity.FULL)
    if len(results) >= ACCEPTED_TO_RELAX and all(results[-ACCEPTED_TO_RELAX:]):
        return Standing()
    return Standing(Severity.TIGHTENED, results)


def severities(history: str, *, accept: int) -> tuple[Severity, ...]:
    """Return the severity before each lot of a history of A (accepted) and R (rejected), and after the last."""
    standing, found = Standing(), [Severity.NORMAL]
    for result in history:
        standing = after_lot(standing, accepted=result == "A", accept=accept)
        found.append(standing.severity)
    return tuple(found)
