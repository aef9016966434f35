"""The whole of `assay copy`: hold the source still, copy objects and rows, compare both sides.

It may be killed at any instant and started again: what is noted in the target (see `state`) is there.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine
from sqlmodel import Session, col, select

from app.audit.models import AuditEvent
from app.audit.service import verify
from app.db.engine import make_engine, reading, writing
from app.db.postgres import Limits
from app.errors import Conflict, Invalid, Unavailable
from app.evidence.adding import ALL_EVIDENCE
from app.jobs import presence
from app.moving import objects, rows, state
from app.moving.objects import Known
from app.moving.rows import Content
from app.moving.state import Place
from app.schema.migrate import is_current, migrate
from app.settings import Settings
from app.storage import embedded
from app.storage.bucket import make_bucket
from app.storage.client import Storage
from app.storage.connection import is_aws
from app.supervisor import folder

LIMITS = Limits(name="assay copy", statement=0, lock=60, idle_in_unit=0)

OBJECTS_DONE = "(objects)"  # in the list of tables that are done; no table has such a name
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trail:
    """What the audit trail of one side is."""

    ok: bool
    rows: int
    head: str


@dataclass(frozen=True, slots=True)
class Report:
    """Both sides compared. `differing` are objects that are not what the database says, in the source already."""

    rows: dict[str, int]
    audit: Trail
    objects: int
    size_bytes: int
    differing: list[str]


@dataclass(frozen=True, slots=True)
class Source:
    """The database of the embedded installation, held still: `connection` has its write lock until the end."""

    connection: Connection
    contents: dict[str, Content]


def copy(settings: Settings, target: Settings, *, say: Say) -> Report:
    """Copy the installation of `settings` into the database and the storage of `target`.

    Raises Conflict (in use; the target is something else), Invalid (not embedded, or no other place), Unavailable.
    """
    _check(settings, target)
    with _held_still(settings, say) as source, _opened(target) as engine:
        storage = Storage(target)
        make_bucket(storage.client, bucket=storage.bucket, region=storage.region, on_aws=is_aws(storage.endpoint_url))
        _check_bucket(storage, engine)
        _begin(source, engine, say)
        _objects(settings, storage, engine, say)
        for name, written in rows.copy_all(source.connection, engine):
            say(f"rows of {name}: {written} written, {source.contents[name].rows} in all")
        report = _compare(source, storage, engine, say)
        with writing(engine) as session:
            state.finish(session.connection())
        return report


def _check(settings: Settings, target: Settings) -> None:
    if settings.s3_endpoint_url or not settings.database.startswith("sqlite"):
        raise Invalid(
            "This installation is not an embedded one: `assay copy` reads the SQLite file and the objects of a data "
            "folder. Unset ASSAY_DATABASE_URL and ASSAY_S3_ENDPOINT_URL."
        )
    if not target.database_url.startswith("postgresql+psycopg://"):
        raise Invalid("--to takes the address of a PostgreSQL database: postgresql+psycopg://user@host/name")


@contextmanager
def _held_still(settings: Settings, say: Say) -> Iterator[Source]:
    """Take the folder, the worker's lock and the write lock of the file, and read all of it once."""
    if not (settings.data_dir / "storage" / "s3.json").exists():
        raise Invalid(f"There is no embedded installation in {settings.data_dir}: it has no storage of its own.")
    with ExitStack() as stack:
        stack.enter_context(folder.lock(settings.data_dir))
        stack.enter_context(_worker_lock(Path(settings.database.removeprefix("sqlite:///"))))
        engine = make_engine(settings.database)
        stack.callback(engine.dispose)
        if not is_current(engine):
            raise Unavailable("The database is older than this release. Run `assay migrate` and copy again.")
        connection = stack.enter_context(_write_lock(engine))
        say("reading the whole database once")
        yield Source(connection, rows.contents(connection))


def _worker_lock(file: Path) -> IO[bytes]:
    held = presence.lock(file.with_name(f"{file.name}.worker"))
    if held is None:
        raise Conflict("A worker runs with this database. Stop it and copy again.")
    return held


@contextmanager
def _storage_of(settings: Settings) -> Iterator[Storage]:
    """Run the storage server of the data folder for as long as it is read."""
    started = embedded.start(
        settings.data_dir, origin=settings.base_url, bucket=settings.s3_bucket, region=settings.s3_region
    )
    try:
        yield Storage(settings.model_copy(update=embedded.addresses(started.server)))
    finally:
        embedded.stop(started)


@contextmanager
def _write_lock(engine: Engine) -> Iterator[Connection]:
    with writing(engine) as session:
        yield session.connection()


@contextmanager
def _opened(target: Settings) -> Iterator[Engine]:
    engine = make_engine(target.database, limits=LIMITS)
    try:
        with reading(engine) as session:  # before anything is changed there
            connection = session.connection()
            if not state.is_begun(connection) and not rows.is_empty(connection):
                raise Conflict(state.NOT_EMPTY)
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _check_bucket(storage: Storage, engine: Engine) -> None:
    """Refuse a bucket that holds somebody's evidence or uploads. Once the copy has begun, they are the copy's."""
    with reading(engine) as session:
        if state.is_begun(session.connection()):
            return
    if storage.keys(ALL_EVIDENCE) or storage.unfinished(ALL_EVIDENCE):
        raise Conflict("The bucket %(bucket)s holds evidence already. Give one of its own.", bucket=storage.bucket)


def _begin(source: Source, engine: Engine, say: Say) -> None:
    with writing(engine) as session:
        connection = session.connection()
        digest = rows.fingerprint(source.contents)
        if state.begin(connection, digest, is_empty=rows.is_empty(connection)):
            say("going on with the copy that was begun here")


def _objects(settings: Settings, storage: Storage, engine: Engine, say: Say) -> None:
    """Copy what is not there yet; the storage of the folder need not start when all of it is."""
    with reading(engine) as session:
        if state.place_of(session.connection(), OBJECTS_DONE).done:
            return
    count, size = 0, 0
    with _storage_of(settings) as own:
        for done in objects.copy_all(own, storage, engine):
            count, size = count + 1, size + done.size_bytes
            if count % 100 == 0:
                say(f"objects: {count} copied now, {size / 1e6:.0f} MB")
    say(f"objects: {count} copied now, {size / 1e6:.0f} MB")
    with writing(engine) as session:
        state.move_on(session.connection(), OBJECTS_DONE, Place(0, done=True))


def _compare(source: Source, storage: Storage, engine: Engine, say: Say) -> Report:
    """Compare rows, audit trail and objects. Raises Conflict when the copy is not the same: a bug, never a user's."""
    say("comparing both sides")
    with reading(engine) as session:
        there, trail = rows.contents(session.connection()), _trail(session)
    if wrong := sorted(name for name, content in source.contents.items() if there.get(name) != content):
        raise Conflict("These tables are not the same on both sides: %(names)s.", names=", ".join(wrong))
    if trail != _trail(Session(bind=source.connection)):
        raise Conflict("The audit trail is not the same on both sides.")
    copied = objects.copied(engine)
    if lost := objects.differing({key: Known(one.size_bytes, None) for key, one in copied.items()}, _held(storage)):
        raise Conflict("The target storage lost objects: %(keys)s.", keys=", ".join(lost[:10]))
    return Report(
        rows={name: content.rows for name, content in there.items()},
        audit=trail,
        objects=len(copied),
        size_bytes=sum(one.size_bytes or 0 for one in copied.values()),
        differing=objects.differing(objects.known_objects(source.connection), copied),
    )


def _held(storage: Storage) -> dict[str, Known]:
    return {key: Known(size, None) for key, size in storage.sizes("").items()}


def _trail(session: Session) -> Trail:
    verdict = verify(session)
    head = session.exec(select(AuditEvent.hash).order_by(col(AuditEvent.seq).desc()).limit(1)).first()
    return Trail(verdict.ok, verdict.rows, head or "")
