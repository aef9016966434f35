"""What an assessor or a validator sends: forms of scores, gates, comments, drafts (API 4.4 and 4.5)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.assessments.completeness import SentJudgement, SentMoment, SentScore
from app.assessments.rules import Vacs

Milliseconds = Annotated[int, Field(ge=0, le=7 * 24 * 3600 * 1000)]
Sentence = Annotated[str, Field(max_length=4000)]


class Form(BaseModel):
    """A body or a part of one: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class MomentForm(Form):
    """A time range of one evidence."""

    evidence_id: UUID
    start_ms: Milliseconds
    end_ms: Milliseconds


class ScoreForm(Form):
    """The level of one criterion and its proof."""

    criterion: Annotated[str, Field(min_length=1, max_length=40)]
    level: int
    note: Sentence | None = None
    moments: Annotated[list[MomentForm], Field(max_length=100)] = []

    def sent(self) -> SentScore:
        moments = tuple(SentMoment(each.evidence_id, each.start_ms, each.end_ms) for each in self.moments)
        return SentScore(criterion=self.criterion, level=self.level, note=self.note or "", moments=moments)


class VacsForm(Form):
    """The four gates, each answered."""

    valid: StrictBool
    authentic: StrictBool
    current: StrictBool
    sufficient: StrictBool

    def vacs(self) -> Vacs:
        return Vacs(valid=self.valid, authentic=self.authentic, current=self.current, sufficient=self.sufficient)


class CommentForm(Form):
    """A remark at a place of the evidence."""

    evidence_id: UUID
    start_ms: Milliseconds
    end_ms: Milliseconds | None = None
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    criterion: Annotated[str, Field(max_length=40)] | None = None


class JudgementForm(Form):
    """Blind scores; with `message` and `next`, a `send`."""

    version: int | None = None
    vacs: VacsForm
    scores: Annotated[list[ScoreForm], Field(max_length=200)]
    comments: Annotated[list[CommentForm], Field(max_length=500)] = []

    def sent(self) -> SentJudgement:
        return SentJudgement(scores=tuple(each.sent() for each in self.scores), vacs=self.vacs.vacs())

    def scores_json(self) -> list[dict[str, Any]]:
        return [each.model_dump(mode="json") for each in self.scores]

    def comments_json(self) -> list[dict[str, Any]]:
        return [each.model_dump(mode="json") for each in self.comments]


class SendForm(JudgementForm):
    """An assessor's judgement: it locks for good."""

    message: Annotated[str, Field(max_length=8000)] = ""
    next: bool = False

    def sent(self) -> SentJudgement:
        plain = JudgementForm.sent(self)
        return SentJudgement(scores=plain.scores, vacs=plain.vacs, message=self.message)


class DraftScoreForm(Form):
    """A score that is not finished."""

    criterion: Annotated[str, Field(min_length=1, max_length=40)]
    level: int | None = None
    note: Sentence | None = None
    moments: Annotated[list[MomentForm], Field(max_length=100)] = []


class DraftVacsForm(Form):
    """Gates of which some may be open."""

    valid: StrictBool | None = None
    authentic: StrictBool | None = None
    current: StrictBool | None = None
    sufficient: StrictBool | None = None


class DraftForm(Form):
    """What is saved while somebody works; each part that is sent replaces the stored one."""

    version: int
    scores: Annotated[list[DraftScoreForm], Field(max_length=200)] | None = None
    vacs: DraftVacsForm | None = None
    comments: Annotated[list[CommentForm], Field(max_length=500)] | None = None
    message: Annotated[str, Field(max_length=8000)] | None = None

    def parts(self) -> dict[str, Any]:
        """Return the parts that were sent, as stored JSON."""
        return self.model_dump(mode="json", exclude={"version"}, exclude_unset=True)
