"""What workers do for credentials: plain functions. `finishing` opens the last, fenced write unit of a job."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from app.credentials import publishing, service
from app.credentials.gathering import judged
from app.credentials.keyring import issuer_signer, validator_signer
from app.db.engine import reading, writing
from app.settings import Settings

Finishing = Callable[[], AbstractContextManager[Session]]


def issue(
    engine: Engine, settings: Settings, *, submission_id: UUID, now: datetime, finishing: Finishing | None = None
) -> UUID | None:
    """Job `credentials.issue`: issue the credential of a released submission, once however often it runs.

    Returns its id, or None when it was there already. Conflict when rule 6 does not hold.
    """
    with reading(engine) as session:
        code = judged(session, submission_id).organisation.code
    signer = issuer_signer(settings, code=code)
    with writing(engine) as session:
        pending = service.reserve(session, submission_id=submission_id, signer=signer, now=now)
    if pending is None:
        return None
    publishing.publish_first(engine, settings, number=pending.status_list, now=now)
    with reading(engine) as session:
        found = service.prepare(session, credential_id=pending.id, signer=signer)
    pseudonyms = {one.pseudonym for one in found.endorsements}
    validators = {name: validator_signer(settings.keys, pseudonym=name) for name in pseudonyms}
    signed = service.sign(found, signer=signer, validators=validators, now=now)
    with finishing() if finishing else writing(engine) as session:
        service.seal(session, found=found, signed=signed, validators=validators, now=now)
    return pending.id


def publish_status(engine: Engine, settings: Settings, *, number: int, now: datetime) -> None:
    """Job `credentials.publish-status`: sign a status list as it is now."""
    publishing.publish(engine, settings, number=number, now=now)


def refresh_status(engine: Engine, settings: Settings, *, now: datetime) -> None:
    """Job `credentials.refresh-status`, hourly: sign what is missing, behind, or soon out of date."""
    with reading(engine) as session:
        due = publishing.due_lists(session, now=now)
    for number in due:
        publishing.publish(engine, settings, number=number, now=now)
