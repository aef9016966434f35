"""Copying objects, and comparing them with what the database says of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert
from sqlmodel import Session, col, select

from app.db.engine import reading, writing
from app.evidence.adding import ALL_EVIDENCE
from app.evidence.models import Evidence, Rendition
from app.evidence.states import EvidenceState
from app.moving.state import OBJECTS
from app.storage.carrying import Carried, carry
from app.storage.client import Storage

AT_A_TIME = 4
BATCH = 64
PROBES = "health/"  # what checks of a storage leave
WHOLE = (EvidenceState.PROCESSING, EvidenceState.READY, EvidenceState.FAILED)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of an object; `sha256` is None for an original that was not inspected yet."""

    size_bytes: int | None
    sha256: str | None


def known_objects(source: Connection) -> dict[str, Known]:
    """Return every object that must be there."""
    with Session(bind=source) as session:
        wanted = select(col(Evidence.object_key), col(Evidence.size_bytes), col(Evidence.sha256))
        originals = session.exec(wanted.where(col(Evidence.state).in_(WHOLE))).all()
        derived = session.exec(
            select(col(Rendition.object_key), col(Rendition.size_bytes), col(Rendition.sha256))
        ).all()
    return {key: Known(size, sha256) for key, size, sha256 in (*originals, *derived)}


def copy_all(source: Storage, target: Storage, database: Engine) -> Iterator[Carried]:
    """Copy the objects that are not noted as copied; each is noted once the target has taken it."""
    for upload in target.unfinished(ALL_EVIDENCE):  # of a copy that was killed: nobody else writes there yet
        target.abort_upload(upload.key, upload_id=upload.upload_id)
    there = set(copied(database))
    keys = [key for key in source.keys("") if not key.startswith(PROBES) and key not in there]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for some in _in_batches(keys):
            for done in pool.map(lambda key: carry(key, source=source, target=target), some):
                with writing(database) as session:
                    session.connection().execute(
                        insert(OBJECTS).values(key=done.key, size_bytes=done.size_bytes, sha256=done.sha256)
                    )
                yield done


def _in_batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def copied(database: Engine) -> dict[str, Known]:
    """Return what is noted as copied."""
    with reading(database) as session:
        return {row.key: Known(row.size_bytes, row.sha256) for row in session.connection().execute(OBJECTS.select())}


def differing(expected: dict[str, Known], found: dict[str, Known]) -> list[str]:
    """Return the keys of objects that are missing, or not what the database says. Pure."""
    return sorted(key for key, known in expected.items() if not _same(known, found.get(key)))


def _same(known: Known, found: Known | None) -> bool:
    if found is None:
        return False
    return known.size_bytes in {None, found.size_bytes} and known.sha256 in {None, found.sha256}
