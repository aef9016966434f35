"""The keys of this deployment: private halves in files, public halves in the database.

A key is registered before anything is signed with it, and stays listed: what it signed stays genuine.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlmodel import Session, col, select

from app.accounts.models import Organisation
from app.credentials import did, keys
from app.credentials.models import SigningKey
from app.db.rows import add_if_new
from app.errors import Unavailable
from app.ids import new_reference
from app.settings import Settings

ISSUER = "issuer"
VALIDATOR = "validator"
ED25519 = "Ed25519"
ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class IssuerSigner:
    """An awarding body's DID with the keys that sign for it."""

    issuer: str
    signer: keys.Signer
    es256: ec.EllipticCurvePrivateKey
    base_url: str
    by_web: bool

    @property
    def kid(self) -> str:
        return keys.multikey(self.signer.public_key)

    @property
    def method(self) -> str:
        return did.method_of(self.issuer, self.signer.public_key)

    @property
    def es256_kid(self) -> str:
        return keys.es256_multikey(self.es256.public_key())

    @property
    def token_kid(self) -> str:
        """What a token names as its key: a did:key holds one key only, so there it is the key's own address."""
        return did.es256_method(self.issuer) if self.by_web else key_url(self.base_url, self.es256_kid)


@dataclass(frozen=True, slots=True)
class ValidatorSigner:
    """A validator's pseudonym in one organisation with its key. `issuer` is the key's own DID."""

    pseudonym: str
    signer: keys.Signer

    @property
    def issuer(self) -> str:
        return keys.did_key(self.signer.public_key)

    @property
    def method(self) -> str:
        return keys.did_key_method(self.issuer)


def key_url(base_url: str, kid: str) -> str:
    """Return the public address of one key."""
    return f"{base_url}/keys/{kid}.json"


def base_of(settings: Settings) -> str:
    """Return the public address of this site without a slash at its end."""
    return settings.base_url.rstrip("/")


def issuer_signer(settings: Settings, *, code: str) -> IssuerSigner:
    """Return the keys of an awarding body, made at their first use. Reads files: not inside a unit."""
    signer = keys.file_signer(settings.keys, name=f"issuer-{code}")
    base_url = base_of(settings)
    issuer = did.did_web(base_url, slug=code) if settings.public else keys.did_key(signer.public_key)
    es256 = keys.file_es256_key(settings.keys, name=f"issuer-{code}")
    return IssuerSigner(issuer, signer, es256, base_url, by_web=settings.public)


def existing_issuer_signer(settings: Settings, *, code: str) -> IssuerSigner:
    """Return the keys of an awarding body if this process has them. Unavailable: another process must sign."""
    if not (settings.keys / f"issuer-{code}.ed25519.pem").exists():
        raise Unavailable("The signing key is not on this machine.")
    return issuer_signer(settings, code=code)


def validator_signer(folder: Path, *, pseudonym: str) -> ValidatorSigner:
    """Return a validator's key, made at its first use. Reads files: not inside a unit."""
    return ValidatorSigner(pseudonym, keys.file_signer(folder, name=f"validator-{pseudonym}"))


def pseudonym_of(session: Session, *, organisation_id: UUID, person_id: UUID) -> str:
    """Return a validator's pseudonym in this organisation, or a new one that is not registered yet."""
    found = session.exec(
        select(SigningKey.pseudonym).where(
            SigningKey.organisation_id == organisation_id,
            SigningKey.person_id == person_id,
            SigningKey.purpose == VALIDATOR,
        )
    ).first()
    return found or f"V-{new_reference()}"


def register_issuer(session: Session, *, signer: IssuerSigner, organisation_id: UUID, now: datetime) -> None:
    """Store the public halves of an awarding body's keys, once."""
    for kid, algorithm in ((signer.kid, ED25519), (signer.es256_kid, ES256)):
        key = SigningKey(
            kid=kid,
            organisation_id=organisation_id,
            purpose=ISSUER,
            algorithm=algorithm,
            public_multibase=kid,
            created_at=now,
        )
        _register(session, key)


def register_validator(
    session: Session, *, signer: ValidatorSigner, organisation_id: UUID, person_id: UUID, now: datetime
) -> None:
    """Store the public half of a validator's key, once."""
    kid = keys.multikey(signer.signer.public_key)
    key = SigningKey(
        kid=kid,
        organisation_id=organisation_id,
        purpose=VALIDATOR,
        pseudonym=signer.pseudonym,
        person_id=person_id,
        public_multibase=kid,
        created_at=now,
    )
    _register(session, key)


def issuer_keys(session: Session, *, organisation_id: UUID) -> list[SigningKey]:
    """Return the keys that speak for an awarding body, newest first; compromised ones no longer do."""
    return list(
        session.exec(
            select(SigningKey)
            .where(
                SigningKey.organisation_id == organisation_id,
                SigningKey.purpose == ISSUER,
                col(SigningKey.compromised_at).is_(None),
            )
            .order_by(col(SigningKey.created_at).desc())
        )
    )


def did_document(issuer: str, rows: list[SigningKey]) -> dict[str, Any]:
    """Return the DID document that lists these keys."""
    return did.document(
        issuer,
        ed25519=tuple(keys.from_multikey(row.kid) for row in rows if row.algorithm == ED25519),
        es256=tuple(keys.from_es256_multikey(row.kid) for row in rows if row.algorithm == ES256),
    )


def organisation_of_key(session: Session, kid: str) -> Organisation | None:
    """Return the awarding body that signs with this key, or None."""
    key = session.get(SigningKey, kid)
    if key is None or key.purpose != ISSUER or key.compromised_at or key.organisation_id is None:
        return None
    return session.get(Organisation, key.organisation_id)


def _register(session: Session, row: SigningKey) -> None:
    if session.get(SigningKey, row.kid) is None:
        add_if_new(session, row)
