import hmac
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select

from appliance.core import crypto
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import ConversationNotFound, MessageNotFound
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageStatus, Sender


def get_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return required(uow.session.get(Conversation, conversation_id), ConversationNotFound)


def list_by_id(uow: UnitOfWork, conversation_ids: Collection[UUID]) -> Sequence[Conversation]:
    return uow.session.scalars(select(Conversation).where(Conversation.id.in_(conversation_ids))).all()


def numbers_of(uow: UnitOfWork, message_ids: Collection[UUID]) -> dict[UUID, int]:
    """Where in its conversation each of them stands."""
    rows = uow.session.execute(select(Message.id, Message.number).where(Message.id.in_(message_ids)))
    return {row.id: row.number for row in rows}


def lock_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """The row, held until the unit ends: whoever changes a conversation goes through here, one at a time."""
    return required(uow.session.scalar(locked(select(Conversation).where(Conversation.id == conversation_id))), ConversationNotFound)


def get_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return required(uow.session.get(Message, message_id), MessageNotFound)


def lock_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return required(uow.session.scalar(locked(select(Message).where(Message.id == message_id))), MessageNotFound)


def thread_key(uow: UnitOfWork, address: str) -> str:
    """A keyed hash: an address can be found again but not read from the database."""
    key = crypto.derive(uow.box.keys.tenant_key(uow.tenant_id), "threads")
    return hmac.new(key, address.encode(), sha256).hexdigest()


def find_thread(uow: UnitOfWork, channel_id: UUID, address: str) -> UUID | None:
    """The conversation with this address."""
    own = select(Conversation.id).where(Conversation.channel_id == channel_id, Conversation.thread_key == thread_key(uow, address))
    return uow.session.scalar(own)


def get_thread(uow: UnitOfWork, channel_id: UUID, address: str) -> UUID:
    return required(find_thread(uow, channel_id, address), ConversationNotFound)


def find_by_provider_id(uow: UnitOfWork, channel_id: UUID, provider_id: str) -> Message | None:
    return uow.session.scalar(select(Message).where(Message.channel_id == channel_id, Message.provider_message_id == provider_id))


def list_messages(
    uow: UnitOfWork, conversation_id: UUID, *, before: int | None = None, after: int | None = None, limit: int = 50
) -> list[Message]:
    """Oldest first. Without a cursor the newest `limit`; `before` and `after` are message numbers."""
    statement = select(Message).where(Message.conversation_id == conversation_id).limit(limit)
    if after is not None:
        return list(uow.session.scalars(statement.where(Message.number > after).order_by(Message.number)))
    if before is not None:
        statement = statement.where(Message.number < before)
    return list(uow.session.scalars(statement.order_by(Message.number.desc())))[::-1]


def list_unanswered(uow: UnitOfWork, conversation: Conversation, *, limit: int = 20) -> list[Message]:
    """The contact's messages nobody has answered yet, oldest first; only the newest `limit` of a flood."""
    statement = (
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.number > conversation.answered_number,
            Message.direction == Direction.INBOUND,
        )
        .order_by(Message.number.desc())
        .limit(limit)
    )
    return list(uow.session.scalars(statement))[::-1]


def list_recent(uow: UnitOfWork, conversation_id: UUID, *, before: int, limit: int = 8) -> list[Message]:
    """What was said just before message `before`, notes left out, oldest first."""
    statement = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.number < before, Message.direction != Direction.INTERNAL)
        .order_by(Message.number.desc())
        .limit(limit)
    )
    return list(uow.session.scalars(statement))[::-1]


def list_stuck(uow: UnitOfWork, *, older_than: timedelta, limit: int = 100) -> Sequence[Message]:
    """Messages that were handed out for sending so long ago and of which nothing was heard; box scope for all tenants."""
    statement = (
        select(Message)
        .where(Message.status == MessageStatus.SENDING, Message.created_at < uow.now - older_than)
        .order_by(Message.created_at)
        .limit(limit)
    )
    return uow.session.scalars(statement).all()


def has_conversations(uow: UnitOfWork, channel_id: UUID) -> bool:
    return bool(uow.session.scalar(select(Conversation.id).where(Conversation.channel_id == channel_id).limit(1)))


def text_of(message: Message) -> str:
    """What was written, a caption or a chosen answer; empty for a bare picture."""
    return wording.text_of(message.content)


def is_from_contact(message: Message) -> bool:
    return message.direction is Direction.INBOUND


def count_agent_replies(uow: UnitOfWork, conversation_id: UUID, *, since: datetime) -> int:
    counted = select(func.count(Message.id)).where(
        Message.conversation_id == conversation_id, Message.sender == Sender.AGENT_AI, Message.created_at >= since
    )
    return uow.session.scalar(counted) or 0
