"""In a copy of the box from before: what it still has of organisations whose keys were destroyed since."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import aliased

from appliance.core import db
from appliance.core.tenancy import TenantKey
from appliance.domains.identity.tables import LoginSession, Membership, Tenant, User

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def remove_keyless(connection: Connection) -> list[UUID]:
    """Their rows, their people who belong nowhere else, and they themselves: much of it opens without the key. Returns who they were."""
    gone = list(connection.scalars(select(Tenant.id).where(~exists().where(TenantKey.tenant_id == Tenant.id))))
    if not gone:
        return []
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # the pages are overwritten, not only let go
    elsewhere = aliased(Membership)
    theirs = select(Membership.user_id).where(Membership.tenant_id.in_(gone))
    other = exists().where(elsewhere.user_id == User.id, elsewhere.tenant_id.not_in(gone))
    connection.execute(delete(LoginSession).where(LoginSession.tenant_id.in_(gone)))
    connection.execute(delete(User).where(User.id.in_(theirs), ~other, ~User.is_operator))
    for table in reversed(list(db.tenant_tables(db.Rows.metadata))):
        connection.execute(delete(table).where(table.c.tenant_id.in_(gone)))
    connection.execute(delete(Tenant).where(Tenant.id.in_(gone)))
    return gone
