from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from appliance.core.paging import read_page
from appliance.core.suspension import is_suspended
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.conversations.queries.promises import has_deadline
from appliance.domains.conversations.queries.ready import holds
from appliance.domains.conversations.rules import handoff
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import (
    ConversationStatus,
    Deadline,
    Direction,
    Handling,
    Holder,
    MessageKind,
    MessageStatus,
    Order,
    Priority,
    Signal,
    Topic,
)


@dataclass(frozen=True)
class InboxFilter:
    """`contact_ids` narrows to those found by a search in contacts; `unassigned` wins over `assignee_id`."""

    status: ConversationStatus | None = None
    assignee_id: UUID | None = None
    unassigned: bool = False
    channel_id: UUID | None = None
    handling: Handling | None = None
    waiting: bool = False
    contact_ids: Sequence[UUID] | None = None
    unsent: bool = False
    label: str = ""
    topic: Topic | None = None
    signal: Signal | None = None
    team_id: UUID | None = None
    priority: Priority | None = None
    deadline: Deadline | None = None
    order: Order = Order.NEWEST


@dataclass(frozen=True)
class Counts:
    """How many active conversations each tab of the inbox shows."""

    all: int
    mine: int
    unassigned: int
    waiting: int
    bot: int
    unread: int
    pending: int
    snoozed: int
    at_risk: int
    missed: int


def list_conversations(uow: UnitOfWork, wanted: InboxFilter, query: PageQuery) -> Page[Conversation]:
    """Newest first unless told otherwise; without a status the open ones."""
    found = select(Conversation).where(*_conditions(uow, wanted))
    if wanted.order is Order.DUE:
        found = found.order_by(Conversation.sla_due_at.is_(None), Conversation.sla_due_at)
    return read_page(uow, found.order_by(Conversation.last_message_at.desc(), Conversation.id.desc()), query)


def _conditions(uow: UnitOfWork, wanted: InboxFilter) -> list[ColumnElement[bool]]:
    equal = {
        Conversation.channel_id: wanted.channel_id, Conversation.handling: wanted.handling, Conversation.team_id: wanted.team_id,
        Conversation.priority: wanted.priority, Conversation.assignee_id: None if wanted.unassigned else wanted.assignee_id,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [Conversation.status == (wanted.status or ConversationStatus.OPEN)]
    found += [column == value for column, value in equal.items() if value is not None]
    if wanted.unassigned:
        found.append(Conversation.assignee_id.is_(None))
    if wanted.waiting:
        found.append(Conversation.waiting_since.is_not(None))
    if wanted.contact_ids is not None:
        found.append(Conversation.contact_id.in_(wanted.contact_ids))
    if wanted.deadline is not None:
        found.append(has_deadline(uow, wanted.deadline))
    if wanted.label:
        found.append(holds(uow, Conversation.labels, wanted.label))
    if wanted.topic is not None:
        found.append(Conversation.topic == wanted.topic)
    if wanted.signal is not None:
        found.append(holds(uow, Conversation.signals, wanted.signal))
    if wanted.unsent:
        found.append(Conversation.id.in_(_unsent()))
    return found


def _unsent() -> Select[UUID]:
    """Conversations in which the last thing we said never left."""
    later = aliased(Message)
    said_since = exists().where(
        later.conversation_id == Message.conversation_id, later.number > Message.number, later.direction == Direction.OUTBOUND,
        later.kind != MessageKind.REACTION,
    )  # fmt: skip
    # spelt out in the statement, or the index of those that failed is not used
    has_failed = Message.status == bindparam(None, MessageStatus.FAILED, literal_execute=True)
    return select(Message.conversation_id).where(has_failed, Message.kind != MessageKind.REACTION, ~said_since)


def find_unsent(uow: UnitOfWork, conversation_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of them in which the last thing we said never left."""
    return frozenset(uow.session.scalars(_unsent().where(Message.conversation_id.in_(conversation_ids))))


def count_unsent(uow: UnitOfWork) -> int:
    """Active conversations in which the last thing we said never left."""
    statement = select(func.count(Conversation.id)).where(*_conditions(uow, InboxFilter(unsent=True)))
    return uow.session.scalar(statement) or 0


def count_inbox(uow: UnitOfWork, *, user_id: UUID | None) -> Counts:
    """Those pending and snoozed are not open; all others are."""

    def counted(*conditions: ColumnElement[bool], status: ConversationStatus = ConversationStatus.OPEN) -> ColumnElement[int]:
        return func.count(Conversation.id).filter(Conversation.status == status, *conditions)

    mine = Conversation.assignee_id == user_id if user_id else Conversation.assignee_id != Conversation.assignee_id
    statement: Select[int, int, int, int, int, int, int, int, int, int] = select(
        counted(),
        counted(mine),
        counted(Conversation.assignee_id.is_(None), Conversation.handling == Handling.HUMAN),
        counted(Conversation.waiting_since.is_not(None)),
        counted(Conversation.handling == Handling.BOT),
        counted(Conversation.unread_count > 0),
        counted(status=ConversationStatus.PENDING),
        counted(status=ConversationStatus.SNOOZED),
        counted(has_deadline(uow, Deadline.AT_RISK)),
        counted(has_deadline(uow, Deadline.MISSED)),
    ).where(Conversation.status.in_((ConversationStatus.OPEN, ConversationStatus.PENDING, ConversationStatus.SNOOZED)))
    return Counts(*uow.session.execute(statement).one())


def count_each(uow: UnitOfWork, wanted: Sequence[InboxFilter]) -> list[int]:
    """How many conversations each of them shows, in one reading."""
    if not wanted:
        return []
    conditions = [_conditions(uow, one) for one in wanted]
    statuses = {one.status or ConversationStatus.OPEN for one in wanted}
    counting = [func.count(Conversation.id).filter(*each) for each in conditions]
    return list(uow.session.execute(select(*counting).where(Conversation.status.in_(statuses))).one())


def list_due_to_wake(uow: UnitOfWork, *, limit: int = 500) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, conversation) of those put aside until now, where nobody is suspended. Needs the box scope."""
    due = select(Conversation.tenant_id, Conversation.id).where(
        Conversation.snoozed_until <= uow.now, Conversation.status == ConversationStatus.SNOOZED,
        ~is_suspended(uow, Conversation.tenant_id),
    )  # fmt: skip
    return [(row.tenant_id, row.id) for row in uow.session.execute(due.order_by(Conversation.snoozed_until).limit(limit))]


def count_holders(uow: UnitOfWork) -> dict[str, int]:
    """Active conversations by who has the word."""
    longest = func.min(Conversation.waiting_since)
    active = select(Conversation.handling, longest, func.count(Conversation.id)).where(Conversation.status == ConversationStatus.OPEN)
    found = {one.value: 0 for one in Holder}
    for handling, since, number in uow.session.execute(active.group_by(Conversation.handling, Conversation.waiting_since.is_(None))):
        found[handoff.holder(handling, since)] += number
    return found


def list_overdue(uow: UnitOfWork, *, before: datetime, limit: int = 200) -> Sequence[Conversation]:
    """Handed off before `before` and neither taken nor spoken of since."""
    statement = (
        select(Conversation)
        .where(
            Conversation.waiting_since <= before,
            or_(Conversation.reminded_at.is_(None), Conversation.reminded_at <= before),
            Conversation.status == ConversationStatus.OPEN,
        )
        .order_by(Conversation.waiting_since)
        .limit(limit)
    )
    return uow.session.scalars(statement).all()


def list_tenants_with_waiting(uow: UnitOfWork) -> Sequence[UUID]:
    """Without those that are suspended. Needs the box scope."""
    waiting = Conversation.waiting_since.is_not(None), ~is_suspended(uow, Conversation.tenant_id)
    return uow.session.scalars(select(Conversation.tenant_id).where(*waiting).distinct()).all()
