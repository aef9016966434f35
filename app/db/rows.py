"""Adding a row that somebody else may be adding at the same moment."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def add_if_new(session: Session, row: SQLModel) -> bool:
    """Add a row unless a constraint says that it is there already; False then. Of two at once, one adds it.

    On PostgreSQL the second waits for the first: when that one is taken back, the second adds the row after all. The
    object is no part of the session; read the row to change it.
    """
    session.flush()
    table = type(row).__table__  # type: ignore[attr-defined]  # every table class has it
    values = {column.key: getattr(row, column.key) for column in table.columns}
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    added = insert(table).values(values).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return session.connection().execute(added).first() is not None
