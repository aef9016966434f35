"""Adding evidence to a submission: what is taken, where it lies, how an upload begins."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from app.actor import Actor
from app.audit.service import append
from app.db.engine import reading, writing
from app.errors import AssayError, Conflict, FieldError, Invalid, NotFound, TooLarge, Unavailable
from app.evidence import parts as cut
from app.evidence import phrases, stages
from app.evidence.models import Evidence, Submission
from app.evidence.states import EvidenceKind, EvidenceState, StageName
from app.evidence.submissions import OPEN_FOR_CHANGES, evidence_of, own, own_for_changes
from app.frameworks.rubric import EvidenceRequirement, rubric_of
from app.ids import new_id
from app.storage.client import Storage
from app.text import has_control_characters

SALT_BYTES = 16
MOST_UNSENT = 20  # largest files of one person
RECORDED = (EvidenceKind.VIDEO, EvidenceKind.AUDIO)
ALL_EVIDENCE = "e/"  # the folder of all objects that are worth keeping


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a candidate says about a file.

    `size_bytes` None: a recording that is still going on. `phrase_id`: the phrase drawn for it.
    `edges_sha256`: of its first and last mebibyte, so that any device knows it when it is chosen again.
    """

    kind: EvidenceKind
    name: str
    media_type: str
    size_bytes: int | None
    phrase_id: UUID | None = None
    edges_sha256: str | None = None


def prefix_of(organisation_id: UUID, evidence_id: UUID) -> str:
    """Return the folder of all objects of one evidence, what workers make of it included."""
    return f"{ALL_EVIDENCE}{organisation_id}/{evidence_id}/"


def new_key(organisation_id: UUID, evidence_id: UUID) -> str:
    """Return a key that nobody can guess; nothing of the client's is in it."""
    return prefix_of(organisation_id, evidence_id) + secrets.token_hex(16)


def add_file(
    engine: Engine,
    storage: Storage,
    *,
    actor: Actor,
    submission_id: UUID,
    new: NewFile,
    limit_bytes: int,
    now: datetime,
) -> UUID:
    """Begin an upload and return the id of the evidence. Invalid, TooLarge or Conflict say why not."""
    _check_file(new, limit_bytes)
    with reading(engine) as session:
        submission = own_for_changes(session, actor=actor, submission_id=submission_id, lock=False)
        check_room(session, submission, new.kind)
        check_unsent(session, actor, new.size_bytes, limit_bytes)
    evidence_id = new_id()
    key = new_key(submission.organisation_id, evidence_id)
    upload_id = storage.create_upload(key, media_type=new.media_type)
    size = cut.part_size(new.size_bytes)
    evidence = Evidence(
        id=evidence_id,
        organisation_id=submission.organisation_id,
        submission_id=submission_id,
        position=0,
        kind=new.kind,
        name=new.name,
        media_type=new.media_type,
        object_key=key,
        upload_id=upload_id,
        part_size_bytes=size,
        part_count=None if new.size_bytes is None else cut.part_count(new.size_bytes, size),
        size_bytes=new.size_bytes,
        edges_sha256=new.edges_sha256.lower() if new.edges_sha256 else None,
        salt=secrets.token_hex(SALT_BYTES),
        created_at=now,
    )
    try:
        with writing(engine) as session:
            if new.phrase_id is not None:
                phrases.use(session, evidence=evidence, phrase_id=new.phrase_id, now=now)
            store(session, evidence, actor=actor, now=now)
    except Unavailable:  # it may be stored all the same: the connection was lost while it was
        raise
    except AssayError:
        storage.abort_upload(key, upload_id=upload_id)
        raise
    return evidence_id


def _check_file(new: NewFile, limit_bytes: int) -> None:
    if not new.name.strip() or has_control_characters(new.name):
        message = "A file name is needed, without control characters."
        raise Invalid(message, errors=(FieldError("name", message),))
    check_size(new.size_bytes, limit_bytes)
    if new.phrase_id is not None and new.kind not in RECORDED:
        message = "Only a recording has a phrase."
        raise Invalid(message, errors=(FieldError("phrase_id", message),))


def check_size(size_bytes: int | None, limit_bytes: int) -> None:
    """Refuse what is larger than the operator allows."""
    if size_bytes is not None and size_bytes > limit_bytes:
        raise TooLarge(
            "This file has %(size)d MB; we take up to %(limit)d MB. Record in a lower quality or cut it.",
            size=-(-size_bytes // 10**6),
            limit=limit_bytes // 10**6,
        )


def check_unsent(session: Session, actor: Actor, size_bytes: int | None, limit_bytes: int) -> None:
    """Refuse more bytes than one person may leave unsent: refused files and drafts without end would fill the storage.

    A recording that goes on counts as the largest file, since nobody knows what it will be.
    """
    held = func.sum(func.coalesce(Evidence.size_bytes, limit_bytes))
    unsent = select(held).join(Submission, col(Submission.id) == col(Evidence.submission_id))
    mine = (Submission.candidate_id == actor.person_id, col(Submission.state).in_(OPEN_FOR_CHANGES))
    used = session.exec(unsent.where(*mine, Evidence.state != EvidenceState.ERASED)).one() or 0
    if used + (size_bytes or limit_bytes) > MOST_UNSENT * limit_bytes:
        raise Conflict(
            "The files that you have not sent yet take up too much room. Send or remove some of them first.",
            code="too-much-unsent",
        )


def check_room(session: Session, submission: Submission, kind: EvidenceKind) -> EvidenceRequirement:
    """Refuse a kind that the rubric does not take, and more items than it takes. Rejected ones don't count."""
    asked = rubric_of(session, submission.rubric_id).evidence
    if kind.value not in asked.kinds:
        message = "The rubric does not take this kind of evidence."
        raise Invalid(message, code="kind-not-taken", errors=(FieldError("kind", message),))
    held = [item for item in evidence_of(session, submission.id) if item.state is not EvidenceState.REJECTED]
    if len(held) >= asked.items_max:
        raise Conflict(
            "The rubric takes up to %(most)d items. Remove one before you add another.",
            code="too-many-items",
            most=asked.items_max,
        )
    return asked


def store(session: Session, evidence: Evidence, *, actor: Actor, now: datetime) -> None:
    """Add an evidence with its stages to a submission, if that is still open for it."""
    submission = own_for_changes(session, actor=actor, submission_id=evidence.submission_id)
    check_room(session, submission, evidence.kind)
    last = session.exec(select(func.max(Evidence.position)).where(Evidence.submission_id == submission.id)).one()
    evidence.position = (last or 0) + 1
    session.add(evidence)
    session.flush()
    typed = evidence.kind is EvidenceKind.TEXT  # no file: there is nothing to scan
    stages.begin(session, evidence, now=now, skipped=[StageName.SCAN] if typed else [])
    record(session, evidence, "evidence.added", actor=actor, now=now, kind=evidence.kind.value)


def record(session: Session, evidence: Evidence, action: str, *, actor: Actor, now: datetime, **body: Any) -> None:
    """Append an act on an evidence to the audit trail."""
    append(
        session,
        action=action,
        subject=f"evidence:{evidence.id}",
        now=now,
        actor_id=actor.person_id,
        organisation_id=evidence.organisation_id,
        body={"submission": str(evidence.submission_id), **body},
    )


def own_evidence(session: Session, *, actor: Actor, evidence_id: UUID) -> Evidence:
    """Return an evidence of this candidate; NotFound for everything else."""
    evidence = session.get(Evidence, evidence_id)
    if evidence is None:
        raise NotFound("There is no such evidence.")
    own(session, actor=actor, submission_id=evidence.submission_id)
    return evidence
