"""Where the vectors of a corpus were last filled: until now at the model server."""

import sqlalchemy as sa
from alembic import op

revision = 'cb1ebf358147'
down_revision = '67b8e0d25d76'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('knowledge_corpora', sa.Column('vectors_in', sa.String(length=32), server_default='', nullable=False))
