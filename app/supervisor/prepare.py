"""`assay init`: create or upgrade the database, the bucket and the folders. Idempotent."""

from app.db.engine import make_engine
from app.schema.migrate import migrate
from app.settings import Settings
from app.storage.client import Storage
from app.web.security import origin_of


def prepare(settings: Settings) -> list[str]:
    """Make everything that the site and the worker expect to find, and return what is left for an operator to do.

    Raises Unavailable when a part can't be reached, or can't be made.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.outbox.mkdir(parents=True, exist_ok=True)
    migrate_database(settings)
    return Storage(settings).prepare(origins=[origin_of(settings.base_url)])


def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    engine = make_engine(settings.database)
    try:
        migrate(engine)
    finally:
        engine.dispose()
