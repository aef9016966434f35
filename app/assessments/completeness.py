"""What is still missing before scores can be sent: each gap as a field and a sentence.

The forms have checked types already; here the rubric and the evidence have their say
(DESIGN section 4, rule 5).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.assessments.rules import RubricRules, Vacs, Verdict, judge
from app.errors import FieldError


@dataclass(frozen=True, slots=True)
class SentMoment:
    """A time range of one evidence; the end is after the start."""

    evidence_id: UUID
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class SentScore:
    """One criterion as it was sent."""

    criterion: str
    level: int
    note: str = ""
    moments: tuple[SentMoment, ...] = ()


@dataclass(frozen=True, slots=True)
class SentJudgement:
    """A `send` or blind-scores body. `message` is None where none is asked for (blind scores)."""

    scores: tuple[SentScore, ...]
    vacs: Vacs
    message: str | None = None

    def levels(self) -> dict[str, int]:
        return {each.criterion: each.level for each in self.scores}


# Length of each evidence of the submission in milliseconds; None for text and documents.
Durations = Mapping[UUID, int | None]


def what_is_missing(rubric: RubricRules, sent: SentJudgement, *, durations: Durations) -> tuple[FieldError, ...]:
    """List all that keeps this judgement from being locked; empty when it is complete.

    Work that is not sufficient or not authentic needs no scores, but what is there must be right.
    """
    found = [*_scores_wrong(rubric, sent.scores), *_moments_wrong(sent.scores, durations)]
    if sent.vacs.is_decidable:
        found += _criteria_missing(rubric, sent.scores)
    if not found and _needs_message(rubric, sent):
        found.append(FieldError("message", "Write to the candidate what is missing and what to do next."))
    return tuple(found)


def _scores_wrong(rubric: RubricRules, scores: Sequence[SentScore]) -> Iterator[FieldError]:
    times = Counter(each.criterion for each in scores)
    for code in sorted(code for code, count in times.items() if count > 1):
        yield FieldError(f"scores.{code}", "This criterion is scored twice.")
    for each in scores:
        criterion = rubric.criterion(each.criterion)
        if criterion is None:
            yield FieldError(f"scores.{each.criterion}", "The rubric has no such criterion.")
        elif not 0 <= each.level <= rubric.top_level:
            yield FieldError(f"scores.{each.criterion}.level", "The rubric has no such level.")
        elif rubric.met_needs_proof and criterion.is_met_by(each.level) and not _has_proof(each):
            yield FieldError(
                f"scores.{each.criterion}", "Mark a moment in the evidence or write a note for this level."
            )


def _has_proof(score: SentScore) -> bool:
    return bool(score.moments) or bool(score.note.strip())


def _criteria_missing(rubric: RubricRules, scores: Sequence[SentScore]) -> Iterator[FieldError]:
    scored = {each.criterion for each in scores}
    for criterion in rubric.criteria:
        if criterion.code not in scored:
            yield FieldError(f"scores.{criterion.code}", "Choose a level for this criterion.")


def _moments_wrong(scores: Sequence[SentScore], durations: Durations) -> Iterator[FieldError]:
    for score in scores:
        for number, moment in enumerate(score.moments):
            field = f"scores.{score.criterion}.moments.{number}"
            if moment.evidence_id not in durations:
                yield FieldError(f"{field}.evidence_id", "This evidence does not belong to the submission.")
            elif not _lies_within(moment, durations[moment.evidence_id]):
                yield FieldError(field, "The moment must start before it ends and lie within the evidence.")


def _lies_within(moment: SentMoment, duration_ms: int | None) -> bool:
    if not 0 <= moment.start_ms < moment.end_ms:
        return False
    return duration_ms is None or moment.end_ms <= duration_ms


def _needs_message(rubric: RubricRules, sent: SentJudgement) -> bool:
    if sent.message is None or sent.message.strip():
        return False
    return judge(rubric, scores=sent.levels(), vacs=sent.vacs).outcome is not Verdict.COMPETENT
