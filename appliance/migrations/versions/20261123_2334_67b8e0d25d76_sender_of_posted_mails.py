"""Whom a posted mail is from, sealed: who erases a person need not read the mails that wait."""

import sqlalchemy as sa
from alembic import op

revision = '67b8e0d25d76'
down_revision = 'eeab9a24dcfb'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('channel_posted_mails', sa.Column('sender', sa.LargeBinary(), nullable=True))
