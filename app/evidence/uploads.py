"""Uploads of files: sign their parts, list what arrived, complete.

Bytes go from the browser to the storage; the site only signs. Functions that talk to the storage take the engine and
open short units of their own: look, talk, then write with the state as condition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, update
from sqlmodel import Session, col

from app.actor import Actor
from app.db.engine import reading, writing
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.evidence import parts as cut
from app.evidence import processing, removing
from app.evidence.adding import check_size, own_evidence, record
from app.evidence.models import Evidence
from app.evidence.states import EvidenceState
from app.evidence.submissions import own_for_changes
from app.storage.client import Storage, StoredObject, StoredPart

PART_LIFE = timedelta(hours=1)
UPLOAD_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PartWanted:
    """A part to be signed; `size_bytes` is needed when the length of the whole is not known."""

    number: int
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A PUT that a browser sends as it is."""

    number: int
    url: str
    size_bytes: int
    headers: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Completion:
    """What the client says about what it sent; all of it may be left out."""

    sha256: str | None = None
    part_count: int | None = None
    size_bytes: int | None = None


def _unfinished(engine: Engine, *, actor: Actor, evidence_id: UUID, now: datetime) -> tuple[Evidence, str]:
    """Return an evidence whose upload goes on, and the upload's id."""
    with reading(engine) as session:
        evidence = own_evidence(session, actor=actor, evidence_id=evidence_id)
        own_for_changes(session, actor=actor, submission_id=evidence.submission_id, lock=False)
    return evidence, _upload_of(evidence, now)


def _upload_of(evidence: Evidence, now: datetime) -> str:
    """Return the id of an upload that goes on; Conflict when it is complete or too old."""
    if evidence.state is not EvidenceState.UPLOADING or evidence.upload_id is None:
        raise Conflict("This upload is complete: nothing can be added to it.", code="not-uploading")
    if evidence.created_at + UPLOAD_LIFE < now:
        raise Conflict("This upload is older than a week. Remove it and begin again.", code="upload-expired")
    return evidence.upload_id


def sign_parts(
    engine: Engine,
    storage: Storage,
    *,
    actor: Actor,
    evidence_id: UUID,
    wanted: Sequence[PartWanted],
    limit_bytes: int,
    now: datetime,
) -> list[SignedPart]:
    """Sign the PUTs of some parts. The exact length is signed: the store refuses any other. Sign again at will."""
    evidence, upload_id = _unfinished(engine, actor=actor, evidence_id=evidence_id, now=now)
    sizes = {part.number: _exact_size(evidence, part, limit_bytes) for part in wanted}
    signed = []
    for number, size in sizes.items():
        request = storage.sign_part(
            evidence.object_key, upload_id=upload_id, number=number, size_bytes=size, life=PART_LIFE
        )
        signed.append(SignedPart(number, request.url, size, request.headers, now + PART_LIFE))
    return signed


def _exact_size(evidence: Evidence, part: PartWanted, limit_bytes: int) -> int:
    if evidence.size_bytes is not None and evidence.part_size_bytes is not None:
        size = cut.size_of_part(part.number, size_bytes=evidence.size_bytes, part_size_bytes=evidence.part_size_bytes)
        if size is None or part.size_bytes not in {None, size}:
            raise _no_such_part("The file has no such part: numbers begin at 1 and the sizes are fixed.")
        return size
    if part.size_bytes is None:
        raise _no_such_part("The size of each part is needed, because the length of the whole is not known.")
    if not (1 <= part.number <= cut.MOST_PARTS and 1 <= part.size_bytes <= cut.LARGEST_BYTES):
        raise _no_such_part("Parts are numbered from 1 to 10,000 and have up to 512 MiB.")
    check_size(part.number * part.size_bytes, limit_bytes)  # all have one size but the last, which may be smaller
    return part.size_bytes


def _no_such_part(message: str) -> Invalid:
    return Invalid(message, code="no-such-part", errors=(FieldError("parts", message),))


def held_parts(engine: Engine, storage: Storage, *, actor: Actor, evidence_id: UUID, now: datetime) -> list[StoredPart]:
    """List the parts that the storage holds, so that an interrupted upload can go on."""
    evidence, upload_id = _unfinished(engine, actor=actor, evidence_id=evidence_id, now=now)
    return storage.list_parts(evidence.object_key, upload_id=upload_id)


def complete(
    engine: Engine,
    storage: Storage,
    *,
    actor: Actor,
    evidence_id: UUID,
    said: Completion,
    limit_bytes: int,
    now: datetime,
) -> None:
    """Join the parts and start the inspection. Repeating it changes nothing. Conflict `parts-missing` with numbers.

    A process that dies between joining and writing leaves an object without an upload: the next call finds that.
    """
    with reading(engine) as session:
        evidence = own_evidence(session, actor=actor, evidence_id=evidence_id)
        if evidence.state is not EvidenceState.UPLOADING:  # one look: a call at the same time may be faster
            return
        own_for_changes(session, actor=actor, submission_id=evidence.submission_id, lock=False)
    _upload_of(evidence, now)
    stored = _join(storage, evidence, said, limit_bytes)
    with writing(engine) as session:
        completed = _mark_complete(session, evidence, said=said, stored=stored, actor=actor, now=now)
    if not completed:
        _drop_if_removed(engine, evidence, now)


def _join(storage: Storage, evidence: Evidence, said: Completion, limit_bytes: int) -> StoredObject:
    """Make one object of the parts and return what the store says of it."""
    upload_id = evidence.upload_id or ""
    try:
        parts = to_be_joined(evidence, storage.list_parts(evidence.object_key, upload_id=upload_id), said)
        check_parts(evidence, parts, said)
        check_size(sum(part.size_bytes for part in parts), limit_bytes)
        storage.complete_upload(evidence.object_key, upload_id=upload_id, parts=parts)
    except NotFound:  # joined already, by a call that died or by one at the same time
        parts = []
    except Conflict:  # parts go from the list while another call joins them: then the object is there
        if storage.head(evidence.object_key) is None:
            raise
        parts = []
    found = storage.head(evidence.object_key)
    if found is None:
        raise Conflict("The storage lost this upload. Remove it and upload the file again.", code="upload-lost")
    whole = sum(part.size_bytes for part in parts) or evidence.size_bytes or found.size_bytes
    if found.size_bytes != whole:
        raise Conflict("The stored file has another size than its parts. Upload it again.", code="upload-lost")
    return found


def to_be_joined(evidence: Evidence, parts: Sequence[StoredPart], said: Completion) -> list[StoredPart]:
    """Return the parts to join: of a recording those that its sender counts, not what an earlier try left. Pure."""
    last = said.part_count if evidence.size_bytes is None and said.part_count else cut.MOST_PARTS
    return [part for part in parts if part.number <= last]


def check_parts(evidence: Evidence, parts: Sequence[StoredPart], said: Completion) -> None:
    """Refuse to join what is not all there. Pure."""
    held = {part.number: part.size_bytes for part in parts}
    if evidence.size_bytes is not None and evidence.part_size_bytes is not None:
        missing = cut.missing_of_known(held, size_bytes=evidence.size_bytes, part_size_bytes=evidence.part_size_bytes)
    else:
        missing = cut.missing_of_unknown(held, count=said.part_count)
    if missing:
        raise Conflict(
            "Some parts have not arrived: %(numbers)s. Send them and complete again.",
            code="parts-missing",
            extra={"numbers": missing},
            numbers=", ".join(str(number) for number in missing[:20]),
        )
    small = [number for number in sorted(held)[:-1] if held[number] < cut.SMALLEST_BYTES]
    if small:
        raise Conflict(
            "Every part but the last needs 5 MiB at least.", code="parts-too-small", extra={"numbers": small}
        )
    if said.size_bytes not in {None, sum(held.values())}:
        raise Conflict(
            "The parts add up to another size than was said. Upload the file again.",
            code="size-differs",
            extra={"size_bytes": sum(held.values())},
        )


def _mark_complete(
    session: Session, evidence: Evidence, *, said: Completion, stored: StoredObject, actor: Actor, now: datetime
) -> bool:
    """Move the evidence to `processing` and write its first job; False when it was not uploading any more.

    Conflict when the submission was withdrawn meanwhile.
    """
    now_there = session.get(Evidence, evidence.id)
    if now_there is not None and now_there.state is EvidenceState.UPLOADING:
        own_for_changes(session, actor=actor, submission_id=evidence.submission_id)
    changed = session.connection().execute(
        update(Evidence)
        .where(col(Evidence.id) == evidence.id, col(Evidence.state) == EvidenceState.UPLOADING)
        .values(
            state=EvidenceState.PROCESSING,
            size_bytes=stored.size_bytes,
            storage_etag=stored.etag,
            client_sha256=said.sha256.lower() if said.sha256 else None,
            completed_at=now,
        )
    )
    if changed.rowcount != 1:
        return False
    record(
        session,
        evidence,
        "evidence.completed",
        actor=actor,
        now=now,
        size_bytes=stored.size_bytes,
        storage_etag=stored.etag,
    )
    processing.start(session, evidence, now=now)
    return True


def _drop_if_removed(engine: Engine, evidence: Evidence, now: datetime) -> None:
    """Let the object of an evidence be deleted that its candidate removed while it was being joined."""
    with reading(engine) as session:
        left = session.get(Evidence, evidence.id)
    if left is None:
        removing.discard(engine, evidence, now=now)
        raise NotFound("There is no such evidence.")
