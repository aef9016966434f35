"""Issuing: reserve a place on the status list, sign, seal. Idempotent under kill and retry.

`reserve` and `seal` are short write units; what is slow (keys, signing) happens between them. Whoever dies in
between leaves a `pending` row, and the next run goes on with the same id, place and date.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from app.audit import service as audit
from app.credentials import document, signing, status, vc_jwt
from app.credentials.facts import CredentialFacts, EndorsementFacts
from app.credentials.gathering import Judged, credential_facts, judged, language_for, release_facts, upheld_validations
from app.credentials.keyring import IssuerSigner, ValidatorSigner, pseudonym_of, register_issuer, register_validator
from app.credentials.models import Credential, Endorsement, StatusList
from app.credentials.rules import why_not_issuable
from app.credentials.states import CredentialState
from app.db.locking import locked
from app.db.rows import add_if_new
from app.errors import Conflict
from app.evidence.models import Evidence, Submission
from app.ids import new_id
from app.validation.models import Validation

Json = dict[str, Any]

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class ToEndorse:
    """One upheld validation and the pseudonym that speaks for its validator."""

    validation: Validation
    pseudonym: str


@dataclass(frozen=True, slots=True)
class ToSign:
    """What `prepare` found: the facts of a pending credential, and who endorses it."""

    credential_id: UUID
    facts: CredentialFacts
    plan: str
    endorsements: tuple[ToEndorse, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """The signed forms of one credential, with its endorsements by validation."""

    text: str
    token: str
    endorsements: tuple[tuple[ToEndorse, Json], ...]


def reserve(session: Session, *, submission_id: UUID, signer: IssuerSigner, now: datetime) -> Credential | None:
    """Make the pending credential with its place on the status list, or find it.

    None when it is issued already. Conflict when rule 6 does not hold.
    """
    locked(session, Submission, submission_id)  # of two workers at once the second finds what the first reserved
    rows = judged(session, submission_id)
    live = session.exec(
        select(Credential).where(
            Credential.submission_id == submission_id,
            Credential.achievement_id == rows.achievement.id,
            Credential.state != CredentialState.SUPERSEDED,
        )
    ).first()
    if live is not None and live.state is not CredentialState.PENDING:
        return None
    if reason := why_not_issuable(release_facts(session, rows)):
        raise Conflict(reason, code="not-issuable")
    register_issuer(session, signer=signer, organisation_id=rows.organisation.id, now=now)
    return live or _reserve(session, rows, now=now)


def _reserve(session: Session, rows: Judged, *, now: datetime) -> Credential:
    purpose = str(rows.achievement.body.get("status_purpose", "revocation"))
    number, index = _place(session, organisation_id=rows.organisation.id, purpose=purpose)
    credential = Credential(
        organisation_id=rows.organisation.id,
        submission_id=rows.submission.id,
        achievement_id=rows.achievement.id,
        holder_id=rows.holder.id,
        language=language_for(rows),
        status_list=number,
        status_index=index,
        salt=secrets.token_hex(SALT_BYTES),
        created_at=now,
        changed_at=now,
    )
    session.add(credential)
    for piece in session.exec(
        select(Evidence).where(Evidence.submission_id == rows.submission.id, Evidence.salt == "")
    ):
        piece.salt = secrets.token_hex(SALT_BYTES)
    session.flush()
    return credential


def _place(session: Session, *, organisation_id: UUID, purpose: str) -> tuple[int, int]:
    """Return a random unused place on this awarding body's newest list, on a new one where that is full."""
    newest = session.exec(
        select(StatusList)
        .where(StatusList.organisation_id == organisation_id, StatusList.purpose == purpose)
        .order_by(col(StatusList.number).desc())
    ).first()
    if newest is not None:
        index = status.unused_index(lambda index: _is_used(session, newest.number, index), entries=newest.size)
        if index is not None:
            return newest.number, index
    return _new_list(session, organisation_id=organisation_id, purpose=purpose), secrets.randbelow(status.ENTRIES)


def _new_list(session: Session, *, organisation_id: UUID, purpose: str) -> int:
    """Make a list with the next free number, and return it; another awarding body may be doing the same."""
    while True:
        last = session.exec(select(func.max(StatusList.number))).one()
        made = StatusList(
            number=(last or 0) + 1,
            organisation_id=organisation_id,
            purpose=purpose,
            size=status.ENTRIES,
            bits=status.empty(),
        )
        if add_if_new(session, made):
            return made.number


def _is_used(session: Session, number: int, index: int) -> bool:
    taken = select(Credential.id).where(Credential.status_list == number, Credential.status_index == index)
    return session.exec(taken).first() is not None


def prepare(session: Session, *, credential_id: UUID, signer: IssuerSigner) -> ToSign:
    """Collect what a pending credential says."""
    credential = session.get_one(Credential, credential_id)
    rows = judged(session, credential.submission_id)
    facts = credential_facts(session, rows, credential=credential, issuer=signer.issuer, base_url=signer.base_url)
    endorsements = tuple(
        ToEndorse(
            validation,
            pseudonym_of(session, organisation_id=rows.organisation.id, person_id=validation.validator_id),
        )
        for validation in upheld_validations(session, rows)
    )
    return ToSign(credential_id, facts, f"{rows.lot.plan_id} {rows.lot.plan_version}", endorsements)


def sign(found: ToSign, *, signer: IssuerSigner, validators: dict[str, ValidatorSigner], now: datetime) -> Signed:
    """Sign the endorsements, then the credential over them, in both forms. No database, no clock."""
    endorsements = tuple(
        (one, _endorse(found, one, signer=validators[one.pseudonym], now=now)) for one in found.endorsements
    )
    unsigned = document.credential(found.facts, endorsements=tuple(signed for _, signed in endorsements))
    signed = signing.sign_document(unsigned, signer=signer.signer, method=signer.method, now=now)
    without_proof = {key: value for key, value in signed.items() if key != "proof"}
    token = vc_jwt.sign(without_proof, key=signer.es256, kid=signer.token_kid)
    return Signed(json.dumps(signed, ensure_ascii=False, indent=2), token, endorsements)


def _endorse(found: ToSign, one: ToEndorse, *, signer: ValidatorSigner, now: datetime) -> Json:
    base_url = found.facts.url.rsplit("/credentials/", 1)[0]
    facts = EndorsementFacts(
        url=f"{base_url}/endorsements/{new_id()}",
        endorser=signer.issuer,
        pseudonym=signer.pseudonym,
        credential_url=found.facts.url,
        plan=found.plan,
        language=found.facts.achievement.language,
        validated_at=one.validation.decided_at or now,
    )
    return signing.sign_document(document.endorsement(facts), signer=signer.signer, method=signer.method, now=now)


def seal(
    session: Session,
    *,
    found: ToSign,
    signed: Signed,
    validators: dict[str, ValidatorSigner],
    now: datetime,
) -> bool:
    """Store the signed credential. False when another run was faster: then nothing of this one is stored.

    Conflict when rule 6 has ceased to hold while it was signed.
    """
    said = json.loads(signed.text)
    pending = session.get_one(Credential, found.credential_id)
    locked(session, Submission, pending.submission_id)
    if reason := why_not_issuable(release_facts(session, judged(session, pending.submission_id))):
        raise Conflict(reason, code="not-issuable")
    sealed = session.exec(
        update(Credential)
        .where(col(Credential.id) == found.credential_id, col(Credential.state) == CredentialState.PENDING)
        .values(
            state=CredentialState.ACTIVE,
            document=signed.text,
            jwt=signed.token,
            valid_from=datetime.fromisoformat(said["validFrom"]),
            valid_until=found.facts.valid_until,
            changed_at=now,
        )
    )
    if sealed.rowcount != 1:
        return False
    credential = session.get_one(Credential, found.credential_id)
    for one, endorsement in signed.endorsements:
        _store_endorsement(session, credential, one, endorsement, signer=validators[one.pseudonym], now=now)
    audit.append(
        session,
        action="credential.issued",
        subject=f"credential:{credential.id}",
        now=now,
        organisation_id=credential.organisation_id,
        body={"submission": str(credential.submission_id), "issuer": found.facts.issuer.id},
    )
    return True


def _store_endorsement(
    session: Session,
    credential: Credential,
    one: ToEndorse,
    endorsement: Json,
    *,
    signer: ValidatorSigner,
    now: datetime,
) -> None:
    register_validator(
        session,
        signer=signer,
        organisation_id=credential.organisation_id,
        person_id=one.validation.validator_id,
        now=now,
    )
    session.add(
        Endorsement(
            id=UUID(endorsement["id"].rsplit("/", 1)[1]),
            organisation_id=credential.organisation_id,
            credential_id=credential.id,
            validation_id=one.validation.id,
            document=endorsement,
            created_at=now,
        )
    )
