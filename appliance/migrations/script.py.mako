"""${message.replace("_", " ").capitalize()}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

WALL = (
    "ALTER TABLE %(fullname)s ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE %(fullname)s FORCE ROW LEVEL SECURITY",
    "CREATE POLICY tenant_wall ON %(fullname)s USING (current_setting('app.scope', true) = 'box'"
    " OR tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)",
)


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def wall(*names: str) -> None:
    """PostgreSQL's own wall between tenants."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for name in names:
        for statement in WALL:
            op.execute(sa.DDL(statement).against(sa.Table(name, sa.MetaData())))  # type: ignore[no-untyped-call]
