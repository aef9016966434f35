"""What a credential is made of: facts in the holder's language, without database, clock or network."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction


class StatusPurpose(StrEnum):
    """What a set bit means; fixed for each achievement, because a credential carries one status entry."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


class IdentityMethod(StrEnum):
    """How the awarding body knows who is in the evidence (DESIGN section 2)."""

    NONE = "none"
    DECLARED = "declared"
    DOCUMENT_SEEN = "document-seen"
    SUPERVISED = "supervised"


@dataclass(frozen=True, slots=True)
class IssuerFacts:
    """An awarding body. `id` is its DID."""

    id: str
    name: str
    url: str
    country: str | None = None
    country_code: str | None = None


@dataclass(frozen=True, slots=True)
class CompetencyFacts:
    """One competency of a published framework that a criterion judges."""

    code: str
    title: str
    framework: str
    url: str


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """One level of a criterion."""

    value: int
    code: str
    label: str
    descriptor: str


@dataclass(frozen=True, slots=True)
class CriterionFacts:
    """One criterion of the rubric, lowest level first. `required` is the least level that passes."""

    code: str
    title: str
    required: int
    levels: tuple[LevelFacts, ...]
    competencies: tuple[CompetencyFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class QualificationLevel:
    """A level of a qualifications framework, such as EQF 4."""

    framework: str
    value: int
    url: str


@dataclass(frozen=True, slots=True)
class TwinFacts:
    """The same achievement described in another language."""

    url: str
    language: str


@dataclass(frozen=True, slots=True)
class AchievementFacts:
    """What a rubric version awards. `url` is its public address; `credits` are exact."""

    url: str
    language: str
    name: str
    description: str
    code: str
    version: str
    creator: IssuerFacts
    assessment_method: str
    outcomes: tuple[str, ...]
    criteria: tuple[CriterionFacts, ...]
    policy_url: str
    credits: Fraction | None = None
    credit_scheme: str | None = None
    notional_hours: int | None = None
    level: QualificationLevel | None = None
    image_url: str | None = None
    twins: tuple[TwinFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """Who holds it. `subject` is a fresh urn:uuid; the e-mail address appears only as a salted hash."""

    subject: str
    name: str
    email: str | None
    salt: str


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """How the holder's identity is known, as it is."""

    method: IdentityMethod
    on: date | None = None


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """One piece of evidence. `salted_digest` proves the file to whoever has file and salt, to nobody else."""

    kind: str
    media_type: str
    salted_digest: str
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class JudgementFacts:
    """How it was judged: locked levels by criterion code, how many assessors, the lot and its sample."""

    levels: dict[str, int]
    assessors: int
    lot_size: int
    validated: int
    upheld_here: bool


@dataclass(frozen=True, slots=True)
class StatusEntryFacts:
    """Where the status of one credential is published."""

    list_url: str
    index: int
    purpose: StatusPurpose


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """Everything that one credential says."""

    url: str
    issuer: IssuerFacts
    holder: HolderFacts
    achievement: AchievementFacts
    judgement: JudgementFacts
    identity: IdentityFacts
    evidence: tuple[EvidenceFacts, ...]
    status: StatusEntryFacts
    awarded_at: datetime
    valid_until: datetime | None
    activity_from: datetime | None = None
    activity_until: datetime | None = None
    demonstration: bool = False


@dataclass(frozen=True, slots=True)
class EndorsementFacts:
    """A validator's statement about one sampled judgement. `endorser` is a pseudonymous DID."""

    url: str
    endorser: str
    pseudonym: str
    credential_url: str
    plan: str
    language: str
    validated_at: datetime


@dataclass(frozen=True, slots=True)
class StatusListFacts:
    """One published status list. `encoded` is the multibase text of the compressed bits."""

    url: str
    issuer: str
    purpose: StatusPurpose
    encoded: str
    valid_from: datetime
    valid_until: datetime
