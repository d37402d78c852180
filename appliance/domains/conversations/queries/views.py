"""Saved views: whose somebody sees, and how much waits in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, or_, select

from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import SavedViewNotFound
from appliance.domains.conversations.queries.inbox import InboxFilter, count_each
from appliance.domains.conversations.schemas import ViewFilters
from appliance.domains.conversations.tables import SavedView, TeamMember
from appliance.domains.conversations.types import ConversationStatus, Handling, Order

PILES = frozenset({"resolved", "blocked", "unsent"})  # nobody waits in them
_PUT_AWAY = frozenset({"resolved", "pending", "snoozed", "blocked"})


@dataclass(frozen=True)
class CountedView:
    id: UUID
    name: str
    filters: ViewFilters
    shared: bool
    team_id: UUID | None
    owner_id: UUID
    count: int | None


def filter_of(wanted: ViewFilters, *, user_id: UUID | None) -> InboxFilter:
    """“Mine” is whoever looks."""
    return InboxFilter(
        status=ConversationStatus(wanted.view) if wanted.view in _PUT_AWAY else None,
        label=wanted.label,
        topic=wanted.topic,
        signal=wanted.signal,
        team_id=wanted.team,
        channel_id=wanted.channel,
        priority=wanted.priority,
        deadline=wanted.deadline,
        order=Order(wanted.order or Order.NEWEST),
        assignee_id=user_id if wanted.view == "mine" else wanted.assignee,
        waiting=wanted.view == "waiting",
        handling=Handling.BOT if wanted.view == "bot" else None,
        unsent=wanted.view == "unsent",
    )


def get_view(uow: UnitOfWork, view_id: UUID, *, user_id: UUID | None) -> SavedView:
    """Raises SavedViewNotFound, also for what another keeps to themselves."""
    return required(uow.session.scalar(_seen_by(user_id).where(SavedView.id == view_id)), SavedViewNotFound)


def list_views(uow: UnitOfWork, *, user_id: UUID | None) -> Sequence[CountedView]:
    """One's own first, then those that colleagues share, each in their order."""
    rows = uow.session.scalars(_seen_by(user_id).order_by(SavedView.shared, SavedView.place, SavedView.id)).all()
    return counted(uow, rows, user_id=user_id)


def counted(uow: UnitOfWork, rows: Sequence[SavedView], *, user_id: UUID | None) -> list[CountedView]:
    filters = {row.id: ViewFilters.model_validate(row.filters) for row in rows}
    waiting = {each: filter_of(wanted, user_id=user_id) for each, wanted in filters.items() if wanted.view not in PILES}
    counts = dict(zip(waiting, count_each(uow, list(waiting.values())), strict=True))
    return [
        CountedView(row.id, row.name, filters[row.id], row.shared, row.team_id, row.owner_id, counts.get(row.id)) for row in rows
    ]


def list_beside(uow: UnitOfWork, view: SavedView) -> list[SavedView]:
    """Those that it stands among, in their order."""
    among = SavedView.shared.is_(True) if view.shared else (SavedView.owner_id == view.owner_id) & SavedView.shared.is_(False)
    return list(uow.session.scalars(select(SavedView).where(among).order_by(SavedView.place, SavedView.id)))


def _seen_by(user_id: UUID | None) -> Select[SavedView]:
    teams = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    given = or_(SavedView.team_id.is_(None), SavedView.team_id.in_(teams))
    return select(SavedView).where(or_(SavedView.owner_id == user_id, SavedView.shared.is_(True) & given))
