"""A conversation as its contact has it: what they wrote and what reached them. Notes, events and what is still on its way stay inside."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import MessageNotFound
from appliance.domains.conversations.queries.thread import get_conversation
from appliance.domains.conversations.rules import delivery, handoff, wording
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import ConversationStatus, Direction, Holder, MessageStatus

_ON_THE_WAY = (MessageStatus.SENT, MessageStatus.DELIVERED)
_ARRIVED = (MessageStatus.SENT, *delivery.REACHED)


def list_reached(uow: UnitOfWork, conversation_id: UUID, *, before: int | None = None, limit: int = 50) -> list[Message]:
    """Oldest first: the newest `limit`, or those just before number `before`."""
    statement = select(Message).where(Message.conversation_id == conversation_id, _has_reached())
    if before is not None:
        statement = statement.where(Message.number < before)
    return list(uow.session.scalars(statement.order_by(Message.number.desc()).limit(limit)))[::-1]


def get_reached(uow: UnitOfWork, conversation_id: UUID, message_id: UUID) -> Message:
    """Raises MessageNotFound for a message of somebody else, and for one that the contact never got."""
    own = select(Message).where(Message.conversation_id == conversation_id, Message.id == message_id, _has_reached())
    return required(uow.session.scalar(own), MessageNotFound)


def list_unread(uow: UnitOfWork, conversation_id: UUID, *, up_to: int, limit: int = 100) -> list[Message]:
    """What was sent to the contact and not seen yet, up to that number, oldest first."""
    own = select(Message).where(
        Message.conversation_id == conversation_id,
        Message.direction == Direction.OUTBOUND,
        Message.status.in_(_ON_THE_WAY),
        Message.number <= up_to,
    )
    return list(uow.session.scalars(own.order_by(Message.number.desc()).limit(limit)))[::-1]


def content_for_contact(message: Message) -> Mapping[str, Any]:
    """Without the marks that lead to sources, which only the team can open, and without what a machine heard."""
    content = {name: value for name, value in message.content.items() if name != "transcript"}
    if not message.sources or "text" not in content:
        return content
    return {**content, "text": wording.without_citations(str(content["text"]))}


def find_holder(uow: UnitOfWork, conversation_id: UUID) -> Holder | None:
    """Who has the word; None once the conversation is over."""
    conversation = get_conversation(uow, conversation_id)
    if conversation.status is ConversationStatus.RESOLVED:
        return None
    return handoff.holder(conversation.handling, conversation.waiting_since)


def _has_reached() -> ColumnElement[bool]:
    sent = and_(Message.direction == Direction.OUTBOUND, Message.status.in_(_ARRIVED))
    return or_(Message.direction == Direction.INBOUND, sent)
