"""What one person should look at."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.tables import Notice
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from appliance.domains.identity.types import MemberStatus

SHOWN = 30
MOST_TOLD = 200


def list_notices(uow: UnitOfWork, user_id: UUID, *, limit: int = SHOWN) -> Sequence[Notice]:
    """Newest first."""
    own = select(Notice).where(Notice.user_id == user_id)
    return uow.session.scalars(own.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(limit)).all()


def count_new_notices(uow: UnitOfWork, user_id: UUID) -> int:
    return uow.session.scalar(select(func.count(Notice.id)).where(Notice.user_id == user_id, Notice.seen_at.is_(None))) or 0


def list_able(uow: UnitOfWork, permission: str) -> set[UUID]:
    """Of the members at work, who may do that."""
    members = identity.list_members(uow, MembersQuery(limit=MOST_TOLD, status=MemberStatus.ACTIVE)).items
    roles = {role for role in {one.role for one in members} if permission in (identity.find_permissions_of_role(uow, role) or ())}
    return {one.user_id for one in members if one.role in roles}
