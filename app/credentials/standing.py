"""What an issuer does to a credential afterwards: revoke, suspend, reinstate. The reason is kept and shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from app.audit import service as audit
from app.credentials import rules, status
from app.credentials.facts import StatusPurpose
from app.credentials.models import Credential, StatusList
from app.credentials.publishing import enqueue_publishing
from app.credentials.rules import Act
from app.credentials.states import CredentialState
from app.db.locking import OTHERS_MAY_POINT
from app.errors import Conflict, NotFound

ACTED = {Act.REVOKE: "revoked", Act.SUSPEND: "suspended", Act.REINSTATE: "reinstated"}


def act(
    session: Session,
    *,
    credential_id: UUID,
    what: Act,
    reason: str,
    now: datetime,
    organisation_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Credential:
    """Change a credential and its bit in one transaction; publishing follows as a job of the same transaction.

    `organisation_id` limits it to one awarding body (None for the operator). Raises NotFound or Conflict.
    """
    credential = session.get(Credential, credential_id)
    if credential is None or organisation_id not in (None, credential.organisation_id):
        raise NotFound("There is no such credential.")
    listed = session.get_one(
        StatusList, credential.status_list, with_for_update=OTHERS_MAY_POINT, populate_existing=True
    )
    before = credential.state
    change = rules.change(what, state=before, purpose=StatusPurpose(listed.purpose))
    _move(session, credential, before=before, after=change.state, reason=reason, now=now)
    listed.bits = status.with_bit(listed.bits, index=credential.status_index, is_set=change.bit)
    listed.revision += 1
    session.flush()
    enqueue_publishing(session, number=listed.number, now=now)
    audit.append(
        session,
        action=f"credential.{ACTED[what]}",
        subject=f"credential:{credential.id}",
        now=now,
        actor_id=actor_id,
        organisation_id=credential.organisation_id,
        body={"before": before, "after": change.state},
    )
    return credential


def _move(
    session: Session,
    credential: Credential,
    *,
    before: CredentialState,
    after: CredentialState,
    reason: str,
    now: datetime,
) -> None:
    moved = session.exec(
        update(Credential)
        .where(col(Credential.id) == credential.id, col(Credential.state) == before)
        .values(state=after, reason=reason, changed_at=now)
    )
    if moved.rowcount != 1:
        raise Conflict("Somebody else has just changed this credential.")
    session.refresh(credential)
