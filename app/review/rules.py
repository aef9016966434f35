"""Who may claim what: facts in, answer out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """What decides whether somebody may assess a submission (rule 1)."""

    is_candidate: bool
    has_other_part: bool
    validated_earlier_attempt: bool
    has_declared_conflict: bool
    knows_the_candidate: bool
    administers: bool
    is_qualified: bool


def why_not_claimable(facts: ClaimFacts) -> str | None:
    """Say why this assessor may not take this submission, or None. Separation of duties: DESIGN rule 1."""
    hindrances = (
        (facts.is_candidate, "You cannot assess your own evidence."),
        (facts.has_other_part, "You cannot assess a submission that you had another part in."),
        (
            facts.validated_earlier_attempt,
            "You validated an earlier attempt of this candidate and cannot assess this one.",
        ),
        (facts.has_declared_conflict, "You have declared a conflict of interest with this submission."),
        (
            facts.knows_the_candidate,
            "You recorded this candidate's identity: somebody who does not know the name must judge it.",
        ),
        (facts.administers, "An administrator sees whose work this is: somebody else must judge it."),
        (not facts.is_qualified, "You are not qualified for this rubric."),
    )
    return next((reason for hinders, reason in hindrances if hinders), None)
