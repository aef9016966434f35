"""What a candidate reads beside a submission in a list: why, a tag with its tone, a button."""

from dataclasses import dataclass
from datetime import datetime

from app.evidence.models import Submission
from app.evidence.states import Outcome, SubmissionState
from app.home.parts import Words
from app.web.i18n import N_

S = SubmissionState


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one state, as gettext ids. `hear`: the day of the answer is added."""

    why: str
    tag: str
    tone: str = "acc"
    button: str = N_("Follow")
    hear: bool = True


SAID = {
    S.DRAFT: Said(N_("Nothing is in it yet."), N_("Draft"), "", N_("Carry on"), hear=False),
    S.RETURNED: Said(N_("Open it to see what is asked."), N_("Sent back"), "warn", N_("Send again"), hear=False),
    S.PROCESSING: Said(N_("We are preparing it."), N_("Being prepared")),
    S.READY: Said(N_("Waiting for an assessor."), N_("Waiting")),
    S.IN_ASSESSMENT: Said(N_("An assessor is looking at it."), N_("Being assessed")),
    S.MODERATION: Said(N_("One more assessor looks at it."), N_("Being assessed")),
    S.HELD: Said(N_("Decided; in the quality check."), N_("Quality check")),
    S.UNDER_INVESTIGATION: Said(N_("On hold while we look into a question."), N_("On hold"), "warn", hear=False),
    S.WITHDRAWN: Said(N_("You took it back."), N_("Withdrawn"), "", N_("Open"), hear=False),
    S.VOID: Said(N_("This attempt does not count."), N_("Does not count"), "bad", N_("Open"), hear=False),
}
RESULTS = {
    Outcome.COMPETENT: Said(N_("Your result is here."), N_("Competent"), "ok", N_("See the result")),
    Outcome.NOT_YET_COMPETENT: Said(
        N_("What you met carries over."), N_("Not yet competent"), "", N_("See the result")
    ),
}


def said_of(submission: Submission, outcome: Outcome | None) -> Said:
    """Return the words of a submission's state, or of its result once that is out."""
    return RESULTS[outcome] if outcome else SAID.get(submission.state, SAID[S.HELD])


def why(submission: Submission, outcome: Outcome | None, items: int, due: datetime | None, words: Words) -> str:
    """Return the sentence under the title."""
    said = said_of(submission, outcome)
    if submission.state is S.DRAFT and items:
        return words.count("%(n)s item is here and safe.", "%(n)s items are here and safe.", items)
    if submission.state is S.RETURNED and submission.reason:
        return words._(str(submission.reason["message"]), **(submission.reason.get("params") or {}))
    hear = words._("You hear by %(day)s.", day=words.day(due)) if due and said.hear else ""
    return f"{words._(said.why)} {hear}".strip()
