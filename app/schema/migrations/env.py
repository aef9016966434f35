"""How alembic reaches the database: by the engine that the caller hands over."""

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from app.db.columns import EnumText, UtcDateTime
from app.schema import MODELS

assert MODELS  # noqa: S101  # importing them fills the metadata


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write plain types into migrations, so that they don't depend on today's code."""
    if kind != "type":
        return False
    if isinstance(item, EnumText):
        return "sa.String(40)"
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return "sa.String()" if isinstance(item, AutoString) else False


engine = context.config.attributes["engine"]
with engine.connect() as plain:
    connection = plain.execution_options(assay_writes=True)
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        transactional_ddl=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
