"""Publishing status lists: signed anew after each change, and before the last signature runs out."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, update
from sqlmodel import Session, col, select

from app.accounts.models import Organisation
from app.credentials import document, signing, status
from app.credentials.facts import StatusListFacts, StatusPurpose
from app.credentials.gathering import status_url
from app.credentials.keyring import IssuerSigner, existing_issuer_signer
from app.credentials.models import StatusList
from app.db.engine import reading, writing
from app.errors import NotFound
from app.jobs import catalog
from app.jobs.service import enqueue
from app.settings import Settings

# Lists are signed again this long before they run out, several rounds of the hourly job.
RENEW_BEFORE = timedelta(hours=12)


def enqueue_publishing(session: Session, *, number: int, now: datetime) -> None:
    """Write the job that publishes a list as it is now. One job for each revision, however often this is called."""
    revision = session.get_one(StatusList, number).revision
    enqueue(
        session,
        catalog.PUBLISH_STATUS,
        job_id=f"{catalog.PUBLISH_STATUS.name}:{number}:{revision}",
        args={"number": number},
        now=now,
    )


def publish(engine: Engine, settings: Settings, *, number: int, now: datetime) -> None:
    """Sign the list as it is and store the signed form. Unavailable where the key is on another machine.

    A change that comes in between is not lost: it has a job of its own, and an older form never replaces a newer.
    """
    with reading(engine) as session:
        row = session.get(StatusList, number)
        if row is None:
            raise NotFound("There is no such status list.")
        code = session.get_one(Organisation, row.organisation_id).code
        bits, revision, purpose = row.bits, row.revision, StatusPurpose(row.purpose)
    signer = existing_issuer_signer(settings, code=code)
    signed = _signed(bits, number=number, purpose=purpose, signer=signer, now=now)
    with writing(engine) as session:
        session.exec(
            update(StatusList)
            .where(col(StatusList.number) == number, col(StatusList.document_revision) <= revision)
            .values(document=signed, document_revision=revision, valid_until=now + status.LIFETIME)
        )


def publish_first(engine: Engine, settings: Settings, *, number: int, now: datetime) -> None:
    """Publish a list that has no signed form yet: a credential must not be seen before its list is."""
    with reading(engine) as session:
        is_published = session.get_one(StatusList, number).document is not None
    if not is_published:
        publish(engine, settings, number=number, now=now)


def due_lists(session: Session, *, now: datetime) -> list[int]:
    """Return the lists whose signed form is missing, behind, or soon out of date."""
    behind = col(StatusList.document_revision) < col(StatusList.revision)
    old = or_(col(StatusList.valid_until).is_(None), col(StatusList.valid_until) < now + RENEW_BEFORE)
    return list(session.exec(select(StatusList.number).where(or_(behind, old)).order_by(col(StatusList.number))))


def _signed(
    bits: bytes, *, number: int, purpose: StatusPurpose, signer: IssuerSigner, now: datetime
) -> dict[str, object]:
    facts = StatusListFacts(
        url=status_url(signer.base_url, number),
        issuer=signer.issuer,
        purpose=purpose,
        encoded=status.encode(bits),
        valid_from=now - document.CLOCK_TOLERANCE,
        valid_until=now + status.LIFETIME,
    )
    return signing.sign_document(document.status_list(facts), signer=signer.signer, method=signer.method, now=now)
