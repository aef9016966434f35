"""The chain of custody: whether what the storage holds is still what was sent, inspected, listed and signed for.

Browser digest, the storage's own checksum, the worker's digest (the value that counts), the manifest of the last
submit, its signed receipt: each link is compared with the next. A difference makes an evidence `damaged` and stops its
judging; once the original is back, from a backup, the same look clears it. The storage's checksum alone proves no
damage: a storage gives another one to the same bytes when they are copied or restored. So it is only told.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import base58
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, or_
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.evidence import processing, stages
from app.evidence.models import Evidence, Receipt, Submission
from app.evidence.queries import newest_receipt
from app.evidence.reasons import Reason
from app.evidence.receipt_key import MULTICODEC_ED25519
from app.evidence.receipts import receipt_json, signed_bytes
from app.evidence.settling import settle
from app.evidence.stages import ENDED
from app.evidence.states import EvidenceState, StageName, StageState, SubmissionState
from app.evidence.submissions import evidence_of
from app.evidence.transitions import Move, move
from app.ids import new_id
from app.jobs.catalog import STOP_JUDGING
from app.jobs.service import enqueue
from app.storage.client import ReadObject, Storage

E = EvidenceState
S = SubmissionState
log = logging.getLogger(__name__)
LOOKED_AT = frozenset({E.PROCESSING, E.READY, E.FAILED, E.DAMAGED})
SUSPECT = Move(
    S.UNDER_INVESTIGATION, (S.READY, S.IN_ASSESSMENT, S.MODERATION, S.HELD), "submission.under-investigation"
)
CHANGED = Reason(
    "damaged",
    "The stored file is no longer the one that was sent. It was taken out of assessment and we are looking into it.",
)
PublicKeyOf = Callable[[Session, str], str | None]  # multibase by kid


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. `subject` is an evidence or a receipt; `said` is for operators.

    `storage_etag`: the storage's own checksum now; `storage_etag_on_arrival`: the one that it gave then.
    """

    subject: str
    ok: bool
    said: str
    cleared: bool = False
    storage_etag: str | None = None
    storage_etag_on_arrival: str | None = None


@dataclass(frozen=True, slots=True)
class _Expected:
    """What an original should be: the worker's digest, or the browser's before inspection. None: not known."""

    evidence_id: UUID
    object_key: str
    state: EvidenceState
    size_bytes: int | None
    sha256: str | None
    etag: str | None
    manifest_says: dict[str, Any] | None


def verify_submission(
    engine: Engine, storage: Storage, submission_id: UUID, *, public_key: PublicKeyOf, now: datetime
) -> Iterator[Finding]:
    """Re-read every original of a submission and compare all links; yields a finding each. Raises Unavailable.

    What differs becomes damaged, what is right again is cleared: both in the unit that says so.
    """
    with reading(engine) as session:
        receipt = newest_receipt(session, submission_id)
        expected = _expected(session, submission_id, receipt)
        signed = _receipt_finding(session, receipt, public_key) if receipt else None
    for each in expected:
        yield _verify(engine, storage, each, now)
    if signed is not None:
        yield signed


def everything(session: Session) -> list[UUID]:
    """Return the submissions that have originals to look at, the oldest first."""
    wanted = select(Evidence.submission_id).where(col(Evidence.state).in_(LOOKED_AT))
    rows = select(Submission.id).where(col(Submission.id).in_(wanted)).order_by(col(Submission.created_at))
    return list(session.exec(rows))


def _expected(session: Session, submission_id: UUID, receipt: Receipt | None) -> list[_Expected]:
    listed = {each["id"]: each for each in receipt.manifest["evidence"]} if receipt else {}
    return [
        _Expected(
            evidence_id=item.id,
            object_key=item.object_key,
            state=item.state,
            size_bytes=item.size_bytes,
            sha256=item.sha256 or (item.client_sha256 or "").lower() or None,
            etag=item.storage_etag,
            manifest_says=listed.get(str(item.id)),
        )
        for item in evidence_of(session, submission_id)
        if item.state in LOOKED_AT
    ]


def _verify(engine: Engine, storage: Storage, expected: _Expected, now: datetime) -> Finding:
    held = storage.digest(expected.object_key)
    wrong = _difference(expected, held)
    was_cleared = False
    with writing(engine) as session:
        evidence = processing.locked_evidence(session, expected.evidence_id)
        if evidence is None or evidence.state is E.ERASED:
            return Finding(f"evidence {expected.evidence_id}", ok=True, said="its candidate took it out meanwhile")
        if wrong:
            news = damaged(session, expected.evidence_id, now=now, found=held.sha256 if held else None)
            said = f"{wrong}: {'now' if news else 'still'} damaged"
        elif was_cleared := cleared(session, expected.evidence_id, now=now):
            said = "is what was sent again: cleared"
        else:
            said = f"{held.size_bytes if held else 0} bytes, {expected.sha256}{_etag_words(expected, held)}"
    return Finding(
        f"evidence {expected.evidence_id}",
        ok=not wrong,
        said=said,
        cleared=was_cleared,
        storage_etag=held.etag if held else None,
        storage_etag_on_arrival=expected.etag,
    )


def _etag_words(expected: _Expected, held: ReadObject | None) -> str:
    if held is None or expected.etag is None:
        return ""
    if held.etag == expected.etag:
        return f", the storage's checksum is still {held.etag}"
    return f", the storage's checksum is {held.etag} and was {expected.etag}: copied or restored since"


def _difference(expected: _Expected, held: ReadObject | None) -> str | None:
    if held is None:
        return "the storage does not hold it"
    if expected.sha256 is not None and held.sha256 != expected.sha256:
        return f"the storage holds another content ({held.sha256}) than was inspected ({expected.sha256})"
    if expected.size_bytes is not None and held.size_bytes != expected.size_bytes:
        return f"the storage holds {held.size_bytes} bytes, not {expected.size_bytes}"
    listed = expected.manifest_says
    if listed and (listed["sha256"], listed["size_bytes"]) != (expected.sha256, expected.size_bytes):
        return "the database says something else than the signed manifest"
    return None


def _receipt_finding(session: Session, receipt: Receipt, public_key: PublicKeyOf) -> Finding:
    subject = f"receipt {receipt.id}"
    if hashlib.sha256(rfc8785.dumps(receipt.manifest)).hexdigest() != receipt.manifest_sha256:
        return Finding(subject, ok=False, said="its manifest was changed after it was signed")
    multibase = public_key(session, receipt.key_id)
    if multibase is None:
        return Finding(subject, ok=False, said=f"its key {receipt.key_id} is not known here")
    if not is_signed(receipt_json(receipt), multibase=multibase):
        return Finding(subject, ok=False, said="its signature does not fit")
    return Finding(subject, ok=True, said=f"signed by {receipt.key_id}, manifest {receipt.manifest_sha256}")


def is_signed(receipt: dict[str, Any], *, multibase: str) -> bool:
    """Say whether a receipt (as the API shows it) was signed by this key, a Multikey of Ed25519."""
    raw = base58.b58decode(multibase.removeprefix("z")).removeprefix(MULTICODEC_ED25519)
    signature = base64.urlsafe_b64decode(receipt["signature"] + "==")
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, signed_bytes(receipt))
    except InvalidSignature:
        return False
    return True


def damaged(session: Session, evidence_id: UUID, *, now: datetime, found: str | None = None) -> bool:
    """Record that the stored original is not the one that was inspected; True when that was news.

    Whoever reads an original and finds another digest (`found`), or nothing, calls this: workers, `evidence verify`.
    Judging ends; the way back is `cleared`.
    """
    evidence = processing.locked_evidence(session, evidence_id)
    if evidence is None or evidence.state in {E.DAMAGED, E.ERASED}:
        return False
    log.critical("ALARM: the stored original of evidence %s is not the one that was sent", evidence_id)
    processing.change(session, evidence, E.DAMAGED, now=now, reason=CHANGED, expected=evidence.sha256, found=found)
    for submission in resting_on(session, evidence.submission_id):
        if is_damaged(session, submission.id):
            _stop(session, submission, now=now)
    settle(session, session.get_one(Submission, evidence.submission_id), now=now)
    return True


def _stop(session: Session, submission: Submission, *, now: datetime) -> None:
    back_to = S.READY if submission.state is S.IN_ASSESSMENT else submission.state
    if move(session, submission, SUSPECT, now=now, state_before=back_to, reason=CHANGED.to_json()):
        args: dict[str, str | int] = {"submission_id": str(submission.id)}
        enqueue(session, STOP_JUDGING, job_id=f"stop-judging:{submission.id}:{new_id()}", args=args, now=now)


def resting_on(session: Session, submission_id: UUID) -> list[Submission]:
    """Return a submission and the next attempts, which may have taken over its evidence (rule 14)."""
    wanted = or_(col(Submission.id) == submission_id, col(Submission.follows) == submission_id)
    return list(session.exec(select(Submission).where(wanted).order_by(col(Submission.attempt))))


def is_damaged(session: Session, submission_id: UUID) -> bool:
    """Say whether something that a submission is judged by is damaged: its evidence, or what it took over."""
    receipt = newest_receipt(session, submission_id)
    earlier = [UUID(each["id"]) for each in receipt.manifest["earlier_evidence"]] if receipt else []
    judged = or_(col(Evidence.submission_id) == submission_id, col(Evidence.id).in_(earlier))
    return session.exec(select(Evidence.id).where(judged, Evidence.state == E.DAMAGED)).first() is not None


def cleared(session: Session, evidence_id: UUID, *, now: datetime) -> bool:
    """Take back that an evidence is damaged: its original was read and is right. True when that was news.

    Whatever is judged by it goes back to where it was once nothing of that is damaged; work that was interrupted
    begins anew.
    """
    evidence = processing.locked_evidence(session, evidence_id)
    if evidence is None or evidence.state is not E.DAMAGED:
        return False
    done = _is_prepared(session, evidence)
    processing.change(session, evidence, E.READY if done else E.PROCESSING, now=now, action="evidence.cleared")
    if not done:
        evidence.generation += 1
        session.add(evidence)
        stages.restart(session, evidence, now=now)
        processing.start(session, evidence, now=now)
    for submission in resting_on(session, evidence.submission_id):
        if not is_damaged(session, submission.id):
            _back(session, submission, now=now)
    return True


def _is_prepared(session: Session, evidence: Evidence) -> bool:
    """Say whether the pipeline had done with it; only a transcript may be missing for good."""
    rows = stages.stages(session, evidence.id)
    return all(
        row.state in ENDED and (row.state is not StageState.FAILED or row.name is StageName.TRANSCRIBE) for row in rows
    )


def _back(session: Session, submission: Submission, *, now: datetime) -> None:
    if (submission.reason or {}).get("code") != CHANGED.code or submission.state_before is None:
        return  # it is under investigation for something else
    edge = Move(submission.state_before, (S.UNDER_INVESTIGATION,), "submission.cleared")
    move(session, submission, edge, now=now, state_before=None, reason=None)
