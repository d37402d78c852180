"""What one person should look at."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.tables import Notice
from appliance.domains.identity import queries as identity

SHOWN = 30


def list_notices(uow: UnitOfWork, user_id: UUID, *, limit: int = SHOWN) -> Sequence[Notice]:
    """Newest first."""
    own = select(Notice).where(Notice.user_id == user_id)
    return uow.session.scalars(own.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit)).all()


def count_new_notices(uow: UnitOfWork, user_id: UUID) -> int:
    return uow.session.scalar(select(func.count(Notice.id)).where(Notice.user_id == user_id, Notice.seen_at.is_(None))) or 0


def list_able(uow: UnitOfWork, permission: str, *, among: Collection[UUID] | None = None) -> frozenset[UUID]:
    """Of the members at work, who may do that."""
    return frozenset(identity.list_at_work(uow, roles=identity.roles_with(uow, permission), among=among))
