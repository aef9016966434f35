"""What pages and API calls about credentials show."""

from uuid import UUID

from sqlmodel import Session, col, select

from app.actor import Actor, Role
from app.credentials.models import Credential
from app.credentials.states import CredentialState
from app.errors import NotFound
from app.evidence.models import Evidence

# Who may see the credentials of their awarding body beside the holder.
STAFF = (Role.ISSUER, Role.AUDITOR, Role.LEAD_VALIDATOR, Role.ADMINISTRATOR)


def mine(session: Session, actor: Actor) -> list[Credential]:
    """Return the credentials of a person in this organisation, newest first."""
    return list(
        session.exec(
            select(Credential)
            .where(
                Credential.holder_id == actor.person_id,
                Credential.organisation_id == actor.organisation_id,
                Credential.state != CredentialState.SUPERSEDED,
            )
            .order_by(col(Credential.created_at).desc())
        )
    )


def visible(session: Session, actor: Actor, credential_id: UUID) -> Credential:
    """Return a credential that this person may see. Everything else is unknown: NotFound."""
    row = session.get(Credential, credential_id)
    own_house = row is not None and row.organisation_id == actor.organisation_id
    if row is None or not own_house or not (row.holder_id == actor.person_id or actor.has(*STAFF)):
        raise NotFound("There is no such credential.")
    return row


def salts(session: Session, submission_id: UUID) -> list[dict[str, str]]:
    """Return what lets the holder prove a file: each evidence with its digest and its salt."""
    rows = session.exec(
        select(Evidence)
        .where(Evidence.submission_id == submission_id, Evidence.salt != "")
        .order_by(col(Evidence.position))
    )
    return [{"id": str(row.id), "sha256": row.sha256 or "", "salt": row.salt} for row in rows]


def live_credential_id(session: Session, submission_id: UUID) -> UUID | None:
    """Return the credential of a submission once it is signed, or None."""
    return session.exec(
        select(Credential.id).where(
            Credential.submission_id == submission_id,
            col(Credential.state).not_in([CredentialState.SUPERSEDED, CredentialState.PENDING]),
        )
    ).first()
