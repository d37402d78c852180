"""Teams, and how much each of their people has to do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import TeamNotFound
from appliance.domains.conversations.rules.dealing import Seat
from appliance.domains.conversations.tables import Conversation, Team, TeamMember
from appliance.domains.conversations.types import ConversationStatus
from appliance.domains.identity import queries as identity

MOST = 100


def list_teams(uow: UnitOfWork) -> Sequence[Team]:
    return uow.session.scalars(select(Team).options(selectinload(Team.members)).order_by(func.lower(Team.name)).limit(MOST)).all()


def get_team(uow: UnitOfWork, team_id: UUID) -> Team:
    statement = select(Team).where(Team.id == team_id).options(selectinload(Team.members))
    return required(uow.session.scalar(statement), TeamNotFound)


def list_member_ids(uow: UnitOfWork, team_id: UUID) -> Sequence[UUID]:
    return uow.session.scalars(select(TeamMember.user_id).where(TeamMember.team_id == team_id)).all()


def find_team_for(uow: UnitOfWork, conversation: Conversation) -> Team | None:
    """The conversation's own, else the one that takes what the bot gives up."""
    wanted = Team.id == conversation.team_id if conversation.team_id else Team.takes_handoffs.is_(True)
    return uow.session.scalar(select(Team).where(wanted).order_by(Team.id).limit(1))


def lock_members(uow: UnitOfWork, team_id: UUID) -> Sequence[TeamMember]:
    return uow.session.scalars(locked(select(TeamMember).where(TeamMember.team_id == team_id).order_by(TeamMember.id))).all()


def seats_of(uow: UnitOfWork, members: Collection[TeamMember], *, since: datetime) -> list[Seat]:
    """Who was at the box since then counts as present."""
    ids = [member.user_id for member in members]
    present = identity.find_present(uow, ids, since=since)
    counted = uow.session.execute(
        select(Conversation.assignee_id, func.count(Conversation.id))
        .where(Conversation.assignee_id.in_(ids), Conversation.status == ConversationStatus.OPEN)
        .group_by(Conversation.assignee_id)
    )
    busy = {row[0]: row[1] for row in counted}
    return [Seat(one.user_id, one.user_id in present, busy.get(one.user_id, 0), one.given_at) for one in members]
