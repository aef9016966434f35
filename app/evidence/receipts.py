"""Sending a submission: declaration, consents, the manifest of what is judged, and the signed receipt for it.

The manifest is RFC 8785 JSON of the sorted digests, the consents and the rubric's content hash. The receipt is signed
without its `signature` member, in RFC 8785 JSON too, by Ed25519. Every submit makes new ones; older ones are kept.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from sqlmodel import Session, col, select

from app.errors import Conflict, FieldError, Invalid
from app.evidence import identity, people, stages
from app.evidence.models import Evidence, Receipt, Submission, SubmissionConsent
from app.evidence.people import GivenPerson
from app.evidence.receipt_key import ReceiptKey
from app.evidence.settling import settle
from app.evidence.show import time_text
from app.evidence.states import EvidenceState, SubmissionState
from app.evidence.submissions import OPEN_FOR_CHANGES, evidence_of
from app.evidence.transitions import Move, move
from app.frameworks.rubric import Rubric, rubric_of

SUBMIT = Move(SubmissionState.PROCESSING, OPEN_FOR_CHANGES, "submission.submitted")
E = EvidenceState


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent as the candidate gives it: which purpose, which version of its text."""

    purpose: str
    version: str


def submit(
    session: Session,
    *,
    submission: Submission,
    consents: Collection[GivenConsent],
    key: ReceiptKey,
    now: datetime,
    others: Collection[GivenPerson] | None = None,
    declares_identity: bool = False,
) -> Receipt:
    """Send a submission and return its receipt. Invalid without a needed consent; Conflict says what is not ready.

    `others`: everybody else in the recordings; None: not said.
    """
    if submission.state not in OPEN_FOR_CHANGES:
        raise Conflict("This submission was sent already.", code="not-open")
    rubric = rubric_of(session, submission.rubric_id)
    _check_consents(rubric, consents)
    items = evidence_of(session, submission.id)
    check_evidence(session, items, items_min=rubric.evidence.items_min)
    given = sorted(consents, key=lambda consent: (consent.purpose, consent.version))
    _keep_consents(session, submission, given, now)
    said = people.keep(session, submission, others, now=now)
    identity.lapse(session, submission, items, now=now)
    if declares_identity:
        identity.declare(session, submission, now=now)
    if lacks := identity.lacking(session, submission):
        raise Conflict(lacks.message, code=lacks.code)
    manifest = manifest_of(submission, items, earlier_evidence(session, submission, rubric, now), given, now)
    receipt = _signed(submission, manifest, key, now)
    session.add(receipt)
    for item in items:
        item.frozen = True
        session.add(item)
    facts = {"manifest": receipt.manifest_sha256, "receipt": str(receipt.id), "key": key.public.kid, **said}
    if not move(
        session,
        submission,
        SUBMIT,
        now=now,
        actor_id=submission.candidate_id,
        body=facts,
        submitted_at=now,
        reason=None,
    ):
        raise Conflict("This submission was sent already.", code="not-open")
    settle(session, submission, now=now)
    session.refresh(submission)
    return receipt


def _check_consents(rubric: Rubric, consents: Collection[GivenConsent]) -> None:
    """Refuse when a required consent is missing, or one was given to a text that is not the present one."""
    asked = {GivenConsent(each.purpose, each.version): each.required for each in rubric.asked_consents()}
    missing = [each.purpose for each, required in asked.items() if required and each not in consents]
    unknown = [each.purpose for each in consents if each not in asked]
    errors = [FieldError(f"consents.{purpose}", "This consent is needed.") for purpose in missing]
    errors += [
        FieldError(f"consents.{each}", "The text of this consent has changed. Read it again.") for each in unknown
    ]
    if errors:
        raise Invalid(
            "Your consent is needed before your work can be judged: %(purposes)s.",
            code="consent-missing",
            errors=tuple(errors),
            purposes=", ".join(missing or unknown),
        )


def check_evidence(session: Session, items: Sequence[Evidence], *, items_min: int) -> None:
    """Refuse to send what is not all there, not checked yet, or can't be used. The first reason counts."""
    if any(item.state is E.UPLOADING for item in items):
        raise Conflict("A file is still on its way. Wait for it or remove it.", code="still-uploading")
    if any(item.state in {E.REJECTED, E.DAMAGED} for item in items):
        raise Conflict("A file can't be used; it says why beside it. Replace it first.", code="evidence-rejected")
    if any(item.state is E.FAILED for item in items):
        raise Conflict("We could not prepare a file. Try it again or replace it.", code="evidence-failed")
    if len(items) < items_min:
        raise Conflict(
            "The rubric asks for at least %(least)d items. Add what is missing.",
            code="evidence-missing",
            least=items_min,
        )
    if any(item.sha256 is None or not stages.is_inspected(session, item.id) for item in items):
        raise Conflict("A file is still being checked. That takes a moment; then send again.", code="still-checking")


def _keep_consents(session: Session, submission: Submission, given: Collection[GivenConsent], now: datetime) -> None:
    for each in given:
        session.merge(
            SubmissionConsent(
                submission_id=submission.id, purpose=each.purpose, version=each.version, given_at=now, withdrawn_at=None
            )
        )


def earlier_evidence(session: Session, submission: Submission, rubric: Rubric, now: datetime) -> list[Evidence]:
    """Return evidence of the attempt before that still counts (rule 14): the same rubric content, and not too old."""
    earlier = session.get(Submission, submission.follows) if submission.follows else None
    if earlier is None or earlier.rubric_content_hash != submission.rubric_content_hash:
        return []
    is_current = _is_current(rubric, now)
    return [item for item in evidence_of(session, earlier.id) if item.state is E.READY and is_current(item)]


def _is_current(rubric: Rubric, now: datetime) -> Callable[[Evidence], bool]:
    days = rubric.evidence.max_age_days
    return lambda item: days is None or item.created_at + timedelta(days=days) >= now


def manifest_of(
    submission: Submission,
    items: Sequence[Evidence],
    earlier: Sequence[Evidence],
    consents: Sequence[GivenConsent],
    now: datetime,
) -> dict[str, Any]:
    """Return what is judged under what, as it is signed and stored. Pure."""
    return {
        "v": 1,
        "submission_id": str(submission.id),
        "attempt": submission.attempt,
        "submitted_at": time_text(now),
        "rubric": {"id": str(submission.rubric_id), "content_hash": submission.rubric_content_hash},
        "evidence": _digests(items),
        "earlier_evidence": _digests(earlier),
        "consents": [{"purpose": each.purpose, "version": each.version} for each in consents],
    }


def _digests(items: Sequence[Evidence]) -> list[dict[str, Any]]:
    facts = [{"id": str(item.id), "sha256": item.sha256, "size_bytes": item.size_bytes} for item in items]
    return sorted(facts, key=lambda fact: (fact["sha256"], fact["id"]))


def _signed(submission: Submission, manifest: dict[str, Any], key: ReceiptKey, now: datetime) -> Receipt:
    receipt = Receipt(
        submission_id=submission.id,
        submitted_at=now,
        manifest=manifest,
        manifest_sha256=hashlib.sha256(rfc8785.dumps(manifest)).hexdigest(),
        key_id=key.public.kid,
        signature="",
    )
    receipt.signature = _base64url(key.sign(signed_bytes(receipt_json(receipt))))
    return receipt


def signed_bytes(receipt: dict[str, Any]) -> bytes:
    """Return the bytes that a receipt's signature is over."""
    return rfc8785.dumps({name: value for name, value in receipt.items() if name != "signature"})


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as the API shows it."""
    return {
        "submission_id": str(receipt.submission_id),
        "submitted_at": receipt.manifest["submitted_at"],
        "manifest_sha256": receipt.manifest_sha256,
        "evidence": receipt.manifest["evidence"],
        "key_id": receipt.key_id,
        "signature": receipt.signature,
    }


def receipts_of(session: Session, submission: Submission) -> list[Receipt]:
    """Return the receipts of a submission, the newest first."""
    wanted = select(Receipt).where(Receipt.submission_id == submission.id)
    return list(session.exec(wanted.order_by(col(Receipt.submitted_at).desc())))
