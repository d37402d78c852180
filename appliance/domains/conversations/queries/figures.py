from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select

from appliance.core.ids import first_id_at
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, MessageKind, MessageStatus, Sender

NEVER_SAID = (MessageStatus.FAILED, MessageStatus.CANCELLED)


@dataclass(frozen=True)
class DayFigures:
    """Messages of one day: what came in, and what the agents and the people said."""

    received: int = 0
    by_agents: int = 0
    by_people: int = 0


def list_days(uow: UnitOfWork, starts: Sequence[datetime]) -> list[DayFigures]:
    """One for each of `starts`, oldest first: a day ends where the next begins, the last one now."""
    day = case(*((Message.created_at >= starts[at], at) for at in reversed(range(len(starts)))))
    said = and_(Message.direction == Direction.OUTBOUND, Message.status.not_in(NEVER_SAID))
    statement = (
        select(
            day,
            func.count(Message.id).filter(Message.direction == Direction.INBOUND),
            func.count(Message.id).filter(said, Message.sender == Sender.AGENT_AI),
            func.count(Message.id).filter(said, Message.sender == Sender.USER),
        )
        # ids grow with time: the primary key finds the first day, a scan of all messages would not end
        .where(Message.id >= first_id_at(starts[0]), Message.created_at >= starts[0], Message.kind != MessageKind.REACTION)
        .group_by(day)
    )
    found = {row[0]: DayFigures(row[1], row[2], row[3]) for row in uow.session.execute(statement)}
    return [found.get(at, DayFigures()) for at in range(len(starts))]


def list_waiting(uow: UnitOfWork, *, limit: int = 50) -> Sequence[Conversation]:
    """Who waits for a person, longest first."""
    waiting = select(Conversation).where(Conversation.waiting_since.is_not(None), Conversation.status == ConversationStatus.OPEN)
    return uow.session.scalars(waiting.order_by(Conversation.waiting_since, Conversation.id).limit(limit)).all()
