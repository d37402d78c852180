"""Since when an organisation is suspended; of those that are, their last change."""

import sqlalchemy as sa
from alembic import op

revision = 'eeab9a24dcfb'
down_revision = '720bb747cb68'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tenants', sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE tenants SET suspended_at = updated_at WHERE status = 'suspended'")
