"""What a rubric version says: the model of `RubricVersion.body`, in the shape of our own JSON (demo-frameworks).

The deciding part (pass rule) is read by `assessments.rules` from the same body.
"""

import hashlib
from typing import Annotated, Any
from uuid import UUID

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import Session

from app.errors import NotFound
from app.frameworks.models import RubricVersion
from app.text import LANGUAGES

Text = dict[str, str]
Number = int | float
Percent = Annotated[Number, Field(ge=0, le=100)]
VACS = ("valid", "authentic", "current", "sufficient")
MIN_LEVELS = 2


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EvidenceRequirement(_Part):
    """What a candidate hands in. Seconds are of one recording; words of one text.

    `phrase`: a recording made in the browser begins with random words, which assessors listen for. `identity_min`:
    how well it must be known who is in it before it is taken, and before a credential is issued.
    """

    kinds: list[Annotated[str, Field(pattern="^(video|audio|text|document)$")]] = Field(min_length=1)
    items_min: int = Field(default=1, ge=1)
    items_max: int = Field(default=1, ge=1, le=20)
    min_seconds: int | None = Field(default=None, ge=0)
    max_seconds: int | None = Field(default=None, ge=1)
    min_words: int | None = Field(default=None, ge=0)
    max_words: int | None = Field(default=None, ge=1)
    languages: list[str] = Field(min_length=1)
    max_age_days: int | None = None
    task: Text
    consent_required: bool = True
    phrase: bool = False
    identity_min: Annotated[str, Field(pattern="^(none|declared|document-seen|supervised)$")] = "none"


class ScaleLevel(_Part):
    """One level of the scale; `value` counts from 0."""

    value: int = Field(ge=0)
    code: str
    label: Text


class VacsQuestion(_Part):
    """One of the four gates, in words."""

    code: Annotated[str, Field(pattern="^(valid|authentic|current|sufficient)$")]
    question: Text


class LevelDescriptor(_Part):
    """What a level of a criterion looks like."""

    value: int = Field(ge=0)
    descriptor: Text


class Criterion(_Part):
    """One thing that is judged."""

    code: str = Field(min_length=1, max_length=40)
    title: Text
    competencies: list[str] = Field(default_factory=list)
    weight: int = Field(ge=1)
    critical: bool = False
    min_level: int = Field(default=0, ge=0)
    levels: list[LevelDescriptor] = Field(min_length=MIN_LEVELS)
    look_for: Text | None = None


class MaxBelow(_Part):
    """At most `count` criteria below `level`."""

    level: int
    count: int


class PassRuleBody(_Part):
    """The pass rule as it is written down; `assessments.rules` computes with it."""

    cut_percent: Percent
    critical_all_at_least_min: bool = True
    all_at_least_min: bool = False
    max_below: MaxBelow | None = None
    vacs_all_yes: bool = True
    borderline_band_points: Number = Field(default=5, ge=0)


class Consent(_Part):
    """A consent that the candidate is asked for."""

    purpose: str
    version: str
    required: bool
    text: Text


class LevelOfQualification(_Part):
    """Such as EQF 4."""

    framework: str
    value: int


class Achievement(_Part):
    """What the rubric awards, with the elements of Annex I of the EU Council Recommendation 2022/C 243/02."""

    name: Text
    description: Text
    learning_outcomes: list[Text]
    assessment_method: Text
    participation: str = "assessment_only"
    notional_hours: int | None = None
    credits: Number | None = None
    level: LevelOfQualification | None = None
    valid_months: int | None = Field(default=None, ge=1)
    identity: str | None = None
    stackable: bool = False
    credit_scheme: Text | None = None
    status_purpose: Annotated[str, Field(pattern="^(revocation|suspension)$")] = "revocation"


class Rubric(_Part):
    """A whole rubric version."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    status: Annotated[str, Field(pattern="^(draft|published)$")] = "draft"
    type: str = "analytic"
    title: Text
    purpose: Text
    supersedes: str | None = None
    evidence: EvidenceRequirement
    scale: list[ScaleLevel] = Field(min_length=MIN_LEVELS)
    vacs: list[VacsQuestion]
    criteria: list[Criterion] = Field(min_length=1)
    pass_rule: PassRuleBody
    met_needs_proof: bool = True
    consents: list[Consent] = Field(default_factory=list)
    worked_cases: list[dict[str, Any]] = Field(default_factory=list)
    achievement: Achievement

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def criterion(self, code: str) -> Criterion | None:
        """Return a criterion by its code."""
        return next((each for each in self.criteria if each.code == code), None)

    def asked_consents(self) -> list[Consent]:
        """Return the consents to ask for: the rubric's own, else those that judging needs."""
        return self.consents or [consent for consent in DEFAULT_CONSENTS if self.evidence.consent_required]

    @model_validator(mode="after")
    def _holds_together(self) -> "Rubric":
        values = [level.value for level in self.scale]
        if values != list(range(len(values))):
            raise ValueError("the scale must count 0, 1, 2, ... in order")
        if sorted(question.code for question in self.vacs) != sorted(VACS):
            raise ValueError("the four questions valid, authentic, current and sufficient are needed, each once")
        codes = [criterion.code for criterion in self.criteria]
        if len(codes) != len(set(codes)):
            raise ValueError("every criterion needs a code of its own")
        for criterion in self.criteria:
            if [level.value for level in criterion.levels] != values:
                raise ValueError(f"criterion {criterion.code} must describe every level of the scale")
        if self.evidence.items_min > self.evidence.items_max:
            raise ValueError("items_min is larger than items_max")
        return self


DEFAULT_CONSENTS = [
    Consent(
        purpose="assessment",
        version="1",
        required=True,
        text={
            "en": "Assessors and validators of the awarding body may see and hear this evidence to judge it.",
            "ar": "يجوز لمقيّمي الجهة المانحة ومدققيها مشاهدة هذا الدليل وسماعه من أجل الحكم عليه.",
        },
    ),
    Consent(
        purpose="transcription",
        version="1",
        required=True,
        text={
            "en": "Speech is turned into text by a program on the awarding body's own computers.",
            "ar": "يُحوَّل الكلام إلى نص بواسطة برنامج على أجهزة الجهة المانحة نفسها.",
        },
    ),
]


def content_hash(body: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a body: what a judgement points to (rule 4)."""
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()


def missing_translations(value: object, where: str = "") -> list[str]:
    """List the places where a text lacks one of our languages."""
    if isinstance(value, dict):
        if value and set(value) <= {*LANGUAGES} and all(isinstance(text, str) for text in value.values()):
            return [] if all(value.get(language) for language in LANGUAGES) else [where]
        return [place for key, part in value.items() for place in missing_translations(part, f"{where}.{key}")]
    if isinstance(value, list):
        return [place for n, part in enumerate(value) for place in missing_translations(part, f"{where}.{n}")]
    return []


def rubric_of(session: Session, rubric_id: UUID) -> Rubric:
    """Return what a stored rubric version says. NotFound for an unknown id."""
    row = session.get(RubricVersion, rubric_id)
    if row is None:
        raise NotFound("There is no such rubric.")
    return read_rubric(row)


def read_rubric(row: RubricVersion) -> Rubric:
    """Return what a stored rubric version says."""
    return Rubric.model_validate(row.body)
