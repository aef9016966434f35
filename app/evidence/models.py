"""Tables of submissions, evidence, stages, renditions, transcripts, consents, receipts and involvement."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.db.columns import enum_column, json_column, time_column
from app.evidence.states import (
    Agreed,
    EvidenceKind,
    EvidenceState,
    Identity,
    Part,
    Purpose,
    RenditionKind,
    StageName,
    StageState,
    SubmissionState,
)
from app.ids import new_id, new_reference

# What may be claimed, word for word in the index and in the query: else the index is not used for it.
WAITING = "state IN ('ready', 'in-assessment')"
DAMAGED = "state = 'damaged'"


class Submission(SQLModel, table=True):
    """One attempt of one candidate at one rubric version."""

    __tablename__ = "submission"
    __table_args__ = (
        Index("ix_submission_queue", "organisation_id", "state", "ready_at"),
        Index(
            "ix_submission_waiting",
            "organisation_id",
            "ready_at",
            "id",
            sqlite_where=text(WAITING),
            postgresql_where=text(WAITING),
        ),
        Index("ix_submission_candidate", "candidate_id", "created_at"),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    reference: str = Field(default_factory=new_reference, unique=True)
    candidate_id: UUID = Field(foreign_key="person.id")
    rubric_id: UUID = Field(foreign_key="rubric_version.id", index=True)
    rubric_code: str
    rubric_major: int
    rubric_content_hash: str
    language: str
    attempt: int = 1
    follows: UUID | None = Field(default=None, foreign_key="submission.id")
    purpose: Purpose = enum_column(Purpose, default=Purpose.CANDIDATE)
    identity: Identity = enum_column(Identity, default=Identity.NONE)
    other_people: int | None = None
    state: SubmissionState = enum_column(SubmissionState, default=SubmissionState.DRAFT)
    state_before: SubmissionState | None = enum_column(SubmissionState, default=None, nullable=True)
    reason: dict[str, Any] | None = json_column(default=None, nullable=True)
    carried: list[dict[str, Any]] = json_column(default_factory=list)
    created_at: datetime = time_column()
    submitted_at: datetime | None = time_column(default=None, nullable=True)
    ready_at: datetime | None = time_column(default=None, nullable=True)
    decided_at: datetime | None = time_column(default=None, nullable=True)
    released_at: datetime | None = time_column(default=None, nullable=True)


class Involvement(SQLModel, table=True):
    """The one part a person has in a submission. The primary key is rule 1: nobody has two."""

    __tablename__ = "involvement"
    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    part: Part = enum_column(Part)
    since: datetime = time_column()


class Phrase(SQLModel, table=True):
    """Words drawn for one recording, to be said in it. `used_at`: when the recording began to arrive; once for ever."""

    __tablename__ = "phrase"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    submission_id: UUID = Field(foreign_key="submission.id", index=True)
    language: str
    text: str
    drawn_at: datetime = time_column()
    used_at: datetime | None = time_column(default=None, nullable=True)


class Evidence(SQLModel, table=True):
    """One file or text of a submission: the original. `sha256` is the worker's own, the value that counts."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_submission_id", "submission_id", "position"),
        Index("ix_evidence_damaged", "id", sqlite_where=text(DAMAGED), postgresql_where=text(DAMAGED)),
    )
    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    submission_id: UUID = Field(foreign_key="submission.id")
    position: int
    kind: EvidenceKind = enum_column(EvidenceKind)
    phrase_id: UUID | None = Field(default=None, foreign_key="phrase.id")
    name: str
    media_type: str
    state: EvidenceState = enum_column(EvidenceState, default=EvidenceState.UPLOADING)
    generation: int = 1
    object_key: str = Field(unique=True)
    upload_id: str | None = None
    part_size_bytes: int | None = None
    part_count: int | None = None
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    edges_sha256: str | None = None  # of the first and last mebibyte, by the browser: knows a file that is chosen again
    client_sha256: str | None = None
    sha256: str | None = None
    storage_etag: str | None = None  # the checksum that the storage gave when all of it had arrived
    salt: str = ""
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    words: int | None = None
    language: str | None = None  # of a text that was written here; recordings are in that of the submission
    probe: dict[str, Any] | None = json_column(default=None, nullable=True)
    silences: list[dict[str, int]] = json_column(default_factory=list)
    warnings: list[str] = json_column(default_factory=list)
    reason: dict[str, Any] | None = json_column(default=None, nullable=True)
    frozen: bool = False
    created_at: datetime = time_column()
    completed_at: datetime | None = time_column(default=None, nullable=True)


class TextDraft(SQLModel, table=True):
    """A text that its candidate is still writing, so that every device of theirs shows it. No evidence until added."""

    __tablename__ = "text_draft"
    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    version: int = 1
    text: str
    language: str
    replaces: UUID | None = None
    updated_at: datetime = time_column()


class EvidenceStage(SQLModel, table=True):
    """One step of the pipeline of one evidence. `changed` (microseconds) is the id of its event stream."""

    __tablename__ = "evidence_stage"
    evidence_id: UUID = Field(foreign_key="evidence.id", primary_key=True)
    name: StageName = enum_column(StageName, primary_key=True)
    position: int
    state: StageState = enum_column(StageState, default=StageState.WAITING)
    progress: float = 0.0
    tries: int = 0
    message: dict[str, Any] | None = json_column(default=None, nullable=True)
    started_at: datetime | None = time_column(default=None, nullable=True)
    ended_at: datetime | None = time_column(default=None, nullable=True)
    changed: int = Field(default=0, sa_type=BigInteger)


class Rendition(SQLModel, table=True):
    """A derived file: machine-made, never the judged thing. Published in the job's fenced commit."""

    __tablename__ = "rendition"
    __table_args__ = (UniqueConstraint("evidence_id", "kind"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    evidence_id: UUID = Field(foreign_key="evidence.id")
    kind: RenditionKind = enum_column(RenditionKind)
    media_type: str
    size_bytes: int = Field(sa_type=BigInteger)
    sha256: str
    object_key: str


class TranscriptChunk(SQLModel, table=True):
    """One finished stretch of speech. `plan` is the digest of the WAV and the settings: same plan, same chunk."""

    __tablename__ = "transcript_chunk"
    evidence_id: UUID = Field(foreign_key="evidence.id", primary_key=True)
    plan: str = Field(primary_key=True)
    index: int = Field(primary_key=True)
    start_ms: int
    end_ms: int
    segments: list[dict[str, Any]] = json_column(default_factory=list)
    dropped: list[dict[str, Any]] = json_column(default_factory=list)
    guess: dict[str, Any] | None = json_column(default=None, nullable=True)


class Transcript(SQLModel, table=True):
    """The words of one evidence with times and probability, in the shape of API section 4.3.

    `corrections`: each word that an assessor changed, what it was and became, when and by whom. It is here and not in
    the audit trail, which holds no words and is never erased.
    """

    __tablename__ = "transcript"
    evidence_id: UUID = Field(foreign_key="evidence.id", primary_key=True)
    language: str
    model: str
    body: dict[str, Any] = json_column()
    corrections: list[dict[str, Any]] = json_column(default_factory=list)
    created_at: datetime = time_column()


class IdentityCheck(SQLModel, table=True):
    """That somebody recorded how it is known who is in a submission; the newest counts. `note` may be personal."""

    __tablename__ = "identity_check"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    submission_id: UUID = Field(foreign_key="submission.id", index=True)
    identity: Identity = enum_column(Identity)
    by: UUID = Field(foreign_key="person.id")
    note: str = ""
    at: datetime = time_column()


class OtherPerson(SQLModel, table=True):
    """Somebody else in the recordings of a submission, and how they agreed. Erasable: the chain holds a digest."""

    __tablename__ = "other_person"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    submission_id: UUID = Field(foreign_key="submission.id", index=True)
    name: str
    agreed: Agreed = enum_column(Agreed)
    agreed_on: date
    salt: str
    recorded_at: datetime = time_column()


class SubmissionConsent(SQLModel, table=True):
    """A consent that a candidate gave for one submission: purpose, version of the text, when."""

    __tablename__ = "submission_consent"
    submission_id: UUID = Field(foreign_key="submission.id", primary_key=True)
    purpose: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    given_at: datetime = time_column()
    withdrawn_at: datetime | None = time_column(default=None, nullable=True)


class Receipt(SQLModel, table=True):
    """What arrived, when, with which digests: signed, one for each submit, older ones are kept."""

    __tablename__ = "receipt"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    submission_id: UUID = Field(foreign_key="submission.id", index=True)
    submitted_at: datetime = time_column()
    manifest: dict[str, Any] = json_column()
    manifest_sha256: str
    key_id: str
    signature: str
