"""What decides about lots and their items: facts in, answer out. No database, no scipy.

Sources: DESIGN section 3 (lot, validation) and section 4 (rules 1, 6, 7, 9).
"""

from dataclasses import dataclass
from enum import StrEnum


class LotVerdict(StrEnum):
    """What a look at a lot says. Undecided lots wait for more validations."""

    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class LotFacts:
    """Where the validation of a lot stands. Faults and `accept` are of the random part; `waiting` is of all."""

    faults: int
    accept: int
    waiting: int
    belief_rejects: bool


def lot_verdict(facts: LotFacts) -> LotVerdict:
    """Reject as soon as faults are too many; accept only when everything that was picked is validated."""
    if facts.faults > facts.accept or facts.belief_rejects:
        return LotVerdict.REJECTED
    return LotVerdict.UNDECIDED if facts.waiting else LotVerdict.ACCEPTED


class DecisionKind(StrEnum):
    """What a validator decides after comparing."""

    UPHOLD = "uphold"
    OVERTURN = "overturn"
    RETURN_WITH_ADVICE = "return-with-advice"


@dataclass(frozen=True, slots=True)
class ValidatorFacts:
    """What decides whether somebody may validate a submission (rule 1)."""

    validator_id: object
    candidate_id: object
    assessor_id: object
    has_other_part: bool
    had_part_in_earlier_attempt: bool
    has_declared_conflict: bool
    knows_the_candidate: bool
    administers: bool


def why_not_validator(facts: ValidatorFacts) -> str | None:
    """Say why this person may not validate this submission, or None."""
    hindrances = (
        (facts.validator_id == facts.candidate_id, "You cannot validate your own evidence."),
        (
            facts.validator_id == facts.assessor_id or facts.has_other_part,
            "You cannot validate a submission that you had another part in.",
        ),
        (
            facts.had_part_in_earlier_attempt,
            "You judged an earlier attempt of this candidate and cannot validate this one.",
        ),
        (facts.has_declared_conflict, "You have declared a conflict of interest with this submission."),
        (
            facts.knows_the_candidate,
            "You recorded this candidate's identity: somebody who does not know the name must judge it.",
        ),
        (facts.administers, "An administrator sees whose work this is: somebody else must judge it."),
    )
    return next((reason for hinders, reason in hindrances if hinders), None)
