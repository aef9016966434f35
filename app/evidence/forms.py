"""What the API of submissions and evidence takes (sections 4.2 and 4.3). Unknown fields are refused."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.evidence.identity import LONGEST_NOTE
from app.evidence.parts import MOST_PARTS
from app.evidence.people import MOST, GivenPerson
from app.evidence.receipts import GivenConsent
from app.evidence.states import Agreed, EvidenceKind, Identity

MOST_SIGNED_AT_ONCE = 1_000
MOST_NUMBERED = 1_000_000
MOST_VERSIONS = 1_000_000_000
PartNumber = Annotated[int, Field(ge=1, le=MOST_PARTS)]
MediaType = Annotated[
    str,
    Field(pattern=r"^((video|audio|application)/[A-Za-z0-9.+-]{1,100}|text/(plain|markdown))(\s*;[ -~]{0,150})?$"),
]
Digest = Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")]


class Form(BaseModel):
    """Strict about names: a misspelt field is never silently dropped."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Form):
    """For calls that take no fields."""


class SubmissionForm(Form):
    """A new submission."""

    rubric_id: UUID
    language: str = Field(min_length=2, max_length=20)


class EvidenceForm(Form):
    """A new evidence: a text, or a file: name, type, size (null: a recording that goes on), the phrase drawn for it."""

    kind: EvidenceKind
    name: str | None = Field(default=None, max_length=255)
    media_type: MediaType | None = None
    size_bytes: int | None = Field(default=None, ge=1)
    text: str | None = None
    phrase_id: UUID | None = None
    edges_sha256: Digest | None = None
    language: str | None = Field(default=None, max_length=20)
    replaces: UUID | None = None


class DraftForm(Form):
    """A text that is being written: what this device holds, and the version that it last heard of (0: none)."""

    text: str = Field(max_length=200_000)
    language: str = Field(max_length=20)
    replaces: UUID | None = None
    version: int = Field(ge=0, le=MOST_VERSIONS)


class PartForm(Form):
    """One part of a recording of unknown length."""

    number: PartNumber
    size_bytes: int = Field(ge=1)


class PartsForm(Form):
    """Which parts to sign: `numbers` when the size of the whole is known, else `parts`."""

    numbers: list[PartNumber] | None = Field(default=None, min_length=1, max_length=MOST_SIGNED_AT_ONCE)
    parts: list[PartForm] | None = Field(default=None, min_length=1, max_length=MOST_SIGNED_AT_ONCE)


class CompleteForm(Form):
    """What the client says about what it sent."""

    sha256: Digest | None = None
    part_count: PartNumber | None = None
    size_bytes: int | None = Field(default=None, ge=0)


class ConsentForm(Form):
    """A consent that is given now."""

    purpose: str = Field(max_length=100)
    version: str = Field(max_length=40)

    @property
    def given(self) -> GivenConsent:
        return GivenConsent(self.purpose, self.version)


class PersonForm(Form):
    """Somebody else in the recording: a name, initials or a role, and how and when they agreed."""

    name: str = Field(min_length=1, max_length=100)
    agreed: Agreed
    agreed_on: date

    @property
    def given(self) -> GivenPerson:
        return GivenPerson(self.name, self.agreed, self.agreed_on)


class SubmitForm(Form):
    """Declaration and consents. The declaration says that this is the candidate's own work.

    `people`: everybody else in the recordings; empty: nobody; absent: not said, and judges are told so. `identity`:
    the candidate confirms to be the person of this account.
    """

    declaration: Literal[True]
    consents: list[ConsentForm] = Field(default_factory=list, max_length=50)
    people: list[PersonForm] | None = Field(default=None, max_length=MOST)
    identity: Literal["declared"] | None = None

    @property
    def given_people(self) -> list[GivenPerson] | None:
        return None if self.people is None else [each.given for each in self.people]


class IdentityForm(Form):
    """How the organisation knows who is in it, with a note for the file that no judge sees."""

    identity: Identity
    note: str = Field(default="", max_length=LONGEST_NOTE)


class CorrectionForm(Form):
    """What a word of a transcript should read; null puts back what the machine heard. Numbers count from 0."""

    segment: int = Field(ge=0, le=MOST_NUMBERED)
    word: int = Field(ge=0, le=MOST_NUMBERED)
    text: str | None = Field(default=None, min_length=1, max_length=100)
