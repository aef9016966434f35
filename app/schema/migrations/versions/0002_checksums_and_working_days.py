"""Checksums of the storage, working days of organisations, reasons for ending a claim"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('claim', sa.Column('end_note', sa.String(), nullable=True))
    op.add_column('evidence', sa.Column('storage_etag', sa.String(), nullable=True))
    # The default is for sites of the release before, which know nothing of it.
    op.add_column('organisation', sa.Column('calendar', sa.JSON(), nullable=False, server_default='{}'))
