"""What a number that is also a person's phone needs: what was said on the phone itself, what waited while it was away, a first word."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from appliance.core.i18n import told
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.append import append
from appliance.domains.conversations.actions.deliver import record_sent, tell_status
from appliance.domains.conversations.actions.handle import end_waiting, open_again
from appliance.domains.conversations.actions.receive import as_draft, find_locked, open_conversation, stay_closed
from appliance.domains.conversations.actions.remember import remember_words
from appliance.domains.conversations.actions.speak import queue_from_box, reply
from appliance.domains.conversations.events import ConversationChanged, MessageQueued
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import (
    Arrival,
    ConversationStatus,
    Direction,
    MessageKind,
    MessageStatus,
    Person,
    Route,
    Sender,
)


def record_echo(uow: UnitOfWork, arrival: Arrival) -> list[Message]:
    """What somebody wrote to this person on the phone itself. It answers what came before it; what we sent ourselves is left out."""
    conversation = find_locked(uow, arrival.route) or open_conversation(uow, arrival.route, arrival.person)
    stored = []
    said = [echo for echo in arrival.messages if echo.kind is not MessageKind.REACTION]
    if not said:
        stay_closed(uow, conversation)
    for echo in arrival.messages:
        if queries.find_by_provider_id(uow, conversation.channel_id, echo.provider_id) is not None:
            continue
        message = append(uow, conversation, as_draft(uow, conversation, echo, Direction.OUTBOUND, Sender.USER))
        message.status, message.sent_at = MessageStatus.SENT, echo.occurred_at
        stored.append(message)
    if any(message.kind is not MessageKind.REACTION for message in stored):
        _settle(uow, conversation)
    uow.session.flush()
    remember_words(uow, stored)
    for message in stored:
        record_sent(uow, message)
        tell_status(uow, message)
    return stored


def _settle(uow: UnitOfWork, conversation: Conversation) -> None:
    """Nobody waits any more, and no reminder comes: it was answered, if not from here."""
    conversation.first_response_at = conversation.first_response_at or uow.now
    conversation.unread_count, conversation.answered_number = 0, conversation.last_number
    end_waiting(uow, conversation)
    if conversation.status in {ConversationStatus.RESOLVED, ConversationStatus.SNOOZED}:
        open_again(uow, conversation)
    promises.keep_reply(uow, conversation)
    uow.emit(ConversationChanged(conversation.id))


def queue_again(uow: UnitOfWork, channel_id: UUID) -> None:
    """Everything that waits to be sent by this channel, in the order of each conversation; what has its turn later comes by itself."""
    is_due = or_(Message.send_after.is_(None), Message.send_after <= uow.now)
    waiting = select(Message.conversation_id, Message.id).where(
        Message.channel_id == channel_id, Message.status == MessageStatus.QUEUED, is_due
    )
    rows = uow.session.execute(waiting.order_by(Message.conversation_id, Message.number)).all()
    uow.emit_all(MessageQueued(row.conversation_id, row.id) for row in rows)


def write_first(
    uow: UnitOfWork, route: Route, person: Person, *, user_id: UUID, content: Mapping[str, Any],
    kind: MessageKind = MessageKind.TEXT, reply_to_id: UUID | None = None,
) -> Message:  # fmt: skip
    """To an address, whether or not there is a conversation. Who never wrote must have agreed to be written to. Raises ConsentRefused."""
    conversation = begin(uow, route, person)
    return reply(uow, conversation.id, user_id=user_id, content=content, kind=kind, reply_to_id=reply_to_id)


def begin(uow: UnitOfWork, route: Route, person: Person) -> Conversation:
    """The conversation with this address, or a new one, for whoever says something there at once. Raises ConsentRefused."""
    conversation = find_locked(uow, route) or open_conversation(uow, route, person)
    queries.check_not_cold(uow, conversation)
    return conversation


def withdraw(uow: UnitOfWork, message_id: UUID, why: object) -> None:
    """What waits to be sent and is of no use any more."""
    message = queries.lock_message(uow, message_id)
    if message.status is MessageStatus.QUEUED:
        message.status, message.error_code, message.error = MessageStatus.CANCELLED, "overtaken", told(why)
        tell_status(uow, message)


def write_from_box(uow: UnitOfWork, route: Route, person: Person, content: Mapping[str, Any]) -> Message | None:
    """What somebody asked for elsewhere, in a form. A conversation that begins with it waits for nobody. None to who asked for silence."""
    conversation = find_locked(uow, route) or open_conversation(uow, route, person)
    if conversation.last_number == 0:
        conversation.status, conversation.resolved_at = ConversationStatus.RESOLVED, uow.now
    return queue_from_box(uow, conversation, MessageKind.TEXT, content, purpose=Purpose.REPLY)
