"""Contacts nobody wants to hear of: what they write is kept, and that is all."""

from uuid import UUID

from sqlalchemy import select, update

from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.handle import end_waiting
from appliance.domains.conversations.events import ConversationChanged, InternalNoteAdded, MessageStatusChanged
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, MessageKind, MessageStatus, Sender
from appliance.domains.identity import actions as identity


def block(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """Nothing is said from here on, under whichever address of the person on this channel; what waited to be sent is withdrawn.

    They are not told.
    """
    threads = _lock_threads(uow, conversation_id)
    for conversation in threads.values():
        _block(uow, conversation)
    return threads[conversation_id]


def unblock(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """Open again. What came meanwhile stays unanswered; where people had it and nobody has it, whoever unblocks does."""
    threads = _lock_threads(uow, conversation_id)
    for conversation in threads.values():
        _unblock(uow, conversation)
    return threads[conversation_id]


def block_joined(uow: UnitOfWork, contact_id: UUID, *, merge_id: UUID) -> None:
    """Who is blocked under one of the two names is so under the other, as long as both are one person."""
    own = select(Conversation).where(Conversation.contact_id == contact_id, ~Conversation.is_group)
    threads = uow.session.scalars(locked(own.order_by(Conversation.id))).all()
    channels = {one.channel_id for one in threads if one.status is ConversationStatus.BLOCKED}
    for conversation in threads:
        if conversation.channel_id in channels and conversation.status is not ConversationStatus.BLOCKED:
            _block(uow, conversation, by_merge=True)
            conversation.blocked_by_merge_id = merge_id


def unblock_parted(uow: UnitOfWork, merge_id: UUID) -> None:
    joined = select(Conversation).where(Conversation.blocked_by_merge_id == merge_id)
    for conversation in uow.session.scalars(locked(joined.order_by(Conversation.id))).all():
        _unblock(uow, conversation, by_merge=True)


def _lock_threads(uow: UnitOfWork, conversation_id: UUID) -> dict[UUID, Conversation]:
    """All with this person on this channel, several where contacts were merged; in one order, so that no two wait for each other."""
    asked = queries.get_conversation(uow, conversation_id)
    own = select(Conversation).where(Conversation.id == asked.id)
    if not asked.is_group:
        own = select(Conversation).where(
            Conversation.contact_id == asked.contact_id, Conversation.channel_id == asked.channel_id, ~Conversation.is_group
        )
    return {one.id: one for one in uow.session.scalars(locked(own.order_by(Conversation.id)))}


def _block(uow: UnitOfWork, conversation: Conversation, *, by_merge: bool = False) -> None:
    if conversation.status is ConversationStatus.BLOCKED:
        return
    promises.drop(uow, conversation)
    conversation.status, conversation.resolved_at, conversation.snoozed_until = ConversationStatus.BLOCKED, None, None
    end_waiting(uow, conversation)
    conversation.handoff_reason = None
    _withdraw(uow, conversation)
    _note(uow, conversation, "blocked", by_merge=by_merge)


def _unblock(uow: UnitOfWork, conversation: Conversation, *, by_merge: bool = False) -> None:
    conversation.blocked_by_merge_id = None
    if conversation.status is not ConversationStatus.BLOCKED:
        return
    conversation.status = ConversationStatus.OPEN
    if conversation.handling is Handling.HUMAN and conversation.assignee_id is None and uow.actor.kind == "user":
        conversation.assignee_id = uow.actor.id
    _note(uow, conversation, "unblocked", by_merge=by_merge)


def _note(uow: UnitOfWork, conversation: Conversation, event: str, *, by_merge: bool) -> None:
    content = {"event": event, "by": uow.actor.name, **({"by_merge": True} if by_merge else {})}
    line = append(uow, conversation, Draft(Direction.INTERNAL, Sender.SYSTEM, MessageKind.TEXT, content))
    conversation.unread_count, conversation.answered_number = 0, conversation.last_number
    identity.record(uow, f"contact.{event}", about=("conversation", conversation.id))
    uow.session.flush()
    uow.emit(ConversationChanged(conversation.id))
    uow.emit(InternalNoteAdded(conversation.id, line.id))


def _withdraw(uow: UnitOfWork, conversation: Conversation) -> None:
    withdrawn = uow.session.scalars(
        update(Message)
        .where(Message.conversation_id == conversation.id, Message.status == MessageStatus.QUEUED)
        .values(status=MessageStatus.CANCELLED, error_code="blocked")
        .returning(Message.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    for message_id in withdrawn:
        uow.emit(MessageStatusChanged(conversation.id, message_id, MessageStatus.CANCELLED))
