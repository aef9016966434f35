"""What still stands between a candidate and sending, in words. Pure; the services check it again."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.evidence.identity import LACKS
from app.evidence.queries import EvidenceRow
from app.evidence.states import EvidenceState, Identity
from app.frameworks.rubric import EvidenceRequirement


class Mark(StrEnum):
    """How a line counts: fine, worth a look, not there yet, in the way."""

    OK = "ok"
    WARN = "warn"
    WAIT = "wait"
    BAD = "bad"


IN_THE_WAY = frozenset({EvidenceState.REJECTED, EvidenceState.FAILED, EvidenceState.DAMAGED})


@dataclass(frozen=True, slots=True)
class Check:
    """One line. `text` is a gettext id with named places."""

    mark: Mark
    text: str
    params: dict[str, object] = field(default_factory=dict)


def checks(rows: list[EvidenceRow], needs: EvidenceRequirement, identity: Identity) -> list[Check]:
    """Say what is fine and what is missing, the most important first."""
    good = [row for row in rows if row.state not in IN_THE_WAY]
    lines = [_count(len(good), needs), *_in_the_way(rows), *_on_the_way(rows), *_lengths(good, needs)]
    lines += _identity(identity, needs)
    return sorted(lines, key=lambda line: list(Mark).index(line.mark), reverse=True)


def ready_to_send(lines: list[Check]) -> bool:
    """Say whether nothing is in the way but time."""
    return all(line.mark is not Mark.BAD for line in lines)


def _count(count: int, needs: EvidenceRequirement) -> Check:
    if count < needs.items_min:
        return Check(
            Mark.BAD, "%(missing)s more wanted: a recording, file or text", {"missing": needs.items_min - count}
        )
    if count > needs.items_max:
        return Check(Mark.BAD, "%(extra)s too many: remove what you do not need", {"extra": count - needs.items_max})
    return Check(Mark.OK, "%(count)s of at most %(most)s there", {"count": count, "most": needs.items_max})


def _identity(identity: Identity, needs: EvidenceRequirement) -> list[Check]:
    """Say what an administrator must have recorded; what the candidate declares is a box of its own."""
    least = Identity(needs.identity_min)
    if least in {Identity.NONE, Identity.DECLARED} or identity.is_enough_for(least):
        return []
    return [Check(Mark.BAD, LACKS[least].message)]


def _in_the_way(rows: list[EvidenceRow]) -> list[Check]:
    stopped = (row for row in rows if row.state in IN_THE_WAY)
    return [Check(Mark.BAD, _why_in_the_way(row.state), {"number": row.number}) for row in stopped]


def _why_in_the_way(state: EvidenceState) -> str:
    if state is EvidenceState.REJECTED:
        return "Evidence %(number)s was not accepted: remove it or replace it"
    if state is EvidenceState.FAILED:
        return "Evidence %(number)s: we could not work on it; try it again, or remove it"
    return "Evidence %(number)s is damaged and on hold: wait for our answer, or remove it"


def _on_the_way(rows: list[EvidenceRow]) -> list[Check]:
    sending = [row for row in rows if row.state is EvidenceState.UPLOADING]
    checking = [row for row in rows if row.state is EvidenceState.PROCESSING and not row.checked]
    return [
        *(Check(Mark.WAIT, "Evidence %(number)s is still on its way", {"number": row.number}) for row in sending),
        *(Check(Mark.WAIT, "Evidence %(number)s is being checked", {"number": row.number}) for row in checking),
    ]


def _lengths(rows: list[EvidenceRow], needs: EvidenceRequirement) -> list[Check]:
    lines = []
    for row in rows:
        if row.is_media and row.duration_ms is not None:
            lines.append(_length(row, row.duration_ms, needs))
        elif row.words is not None:
            lines.append(_words(row, row.words, needs))
    return lines


def _length(row: EvidenceRow, duration_ms: int, needs: EvidenceRequirement) -> Check:
    params: dict[str, object] = {"number": row.number, "length": _clock(duration_ms)}
    if needs.min_seconds and duration_ms < needs.min_seconds * 1000:
        return Check(
            Mark.WARN,
            "Evidence %(number)s is %(length)s long; %(least)s is asked. It can be sent, the assessor will see it.",
            {**params, "least": _clock(needs.min_seconds * 1000)},
        )
    return Check(Mark.OK, "Evidence %(number)s is %(length)s long, within the limits", params)


def _words(row: EvidenceRow, words: int, needs: EvidenceRequirement) -> Check:
    params: dict[str, object] = {"number": row.number, "words": words}
    if needs.min_words and words < needs.min_words:
        return Check(
            Mark.WARN,
            "Evidence %(number)s has %(words)s words; %(least)s are asked",
            {**params, "least": needs.min_words},
        )
    return Check(Mark.OK, "Evidence %(number)s has %(words)s words", params)


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes}:{seconds:02}"
