"""Who may claim what: facts in, answer out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What decides whether somebody may assess a submission (rule 1)."""

    is_candidate: bool
    has_other_part: bool
    validated_earlier_attempt: bool
    has_declared_conflict: bool
    is_qualified: bool


def why_not_claimable(facts: ClaimFacts) -> str | None:
    """Say why this assessor may not take this submission, or None. Separation of duties: DESIGN rule 1."""
    if facts.is_candidate:
        return "You cannot assess your own evidence."
    if facts.has_other_part:
        return "You cannot assess a submission that you had another part in."
    if facts.validated_earlier_attempt:
        return "You validated an earlier attempt of this candidate and cannot assess this one."
    if facts.has_declared_conflict:
        return "You have declared a conflict of interest with this submission."
    if not facts.is_qualified:
        return "You are not qualified for this rubric."
    return None
