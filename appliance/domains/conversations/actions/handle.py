from uuid import UUID

from sqlalchemy import update

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.notices import drop_waiting, tell_assigned
from appliance.domains.conversations.errors import HeldBySomebody
from appliance.domains.conversations.events import (
    ConversationChanged,
    ConversationRead,
    ConversationResolved,
    HandoffOverdue,
    HandoffRequested,
    MessageStatusChanged,
)
from appliance.domains.conversations.rules import handoff
from appliance.domains.conversations.rules.promises import raised
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Handling, Holder, MessageStatus, Sender
from appliance.domains.identity import queries as identity


def take_over(uow: UnitOfWork, conversation_id: UUID, *, user_id: UUID, forced: bool = False) -> Conversation:
    """The person has the word from here: what the bot had queued and not yet sent is withdrawn in the same transaction."""
    conversation = queries.lock_unblocked(uow, conversation_id)
    held_by = conversation.assignee_id
    if not handoff.can_take_over(_holder(conversation), assignee_id=held_by, by=user_id, forced=forced):
        raise HeldBySomebody(_("Somebody else is already talking to this contact. Take over from them if you must."))
    _give_to_person(uow, conversation, user_id)
    _withdraw_bot_messages(uow, conversation)
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def hand_back(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """The bot answers again, from the next message on: what people left unanswered is theirs."""
    conversation = queries.lock_unblocked(uow, conversation_id)
    if conversation.is_group:
        raise Conflict(_("Agents do not answer in groups."))
    if conversation.agent_id is None:
        raise Conflict(_("No agent answers this channel, so there is nobody to hand back to."))
    conversation.handling, conversation.assignee_id = Handling.BOT, None
    end_waiting(uow, conversation)
    conversation.handoff_reason = None
    conversation.answered_number = conversation.last_number
    promises.drop(uow, conversation)
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def hand_off(uow: UnitOfWork, conversation_id: UUID, *, reason: str) -> bool:
    """From the bot to people. False when they already have it, or the contact is blocked: a conversation is handed off once."""
    conversation = queries.lock_conversation(uow, conversation_id)
    if conversation.status is ConversationStatus.BLOCKED or not handoff.can_hand_off(_holder(conversation)):
        return False
    _withdraw_bot_messages(uow, conversation)
    await_person(uow, conversation, reason)
    return True


def await_person(uow: UnitOfWork, conversation: Conversation, reason: str) -> None:
    end_waiting(uow, conversation)
    conversation.handling, conversation.assignee_id = Handling.HUMAN, None
    conversation.waiting_since, conversation.reminded_at, conversation.handoff_reason = uow.now, None, reason
    conversation.priority = raised(conversation.priority, reason)
    open_again(uow, conversation)
    promises.begin(uow, conversation)
    uow.emit(HandoffRequested(conversation.id, reason))


def end_waiting(uow: UnitOfWork, conversation: Conversation) -> None:
    """Nobody needs to be called any more."""
    if conversation.waiting_since is not None:
        conversation.waiting_since = conversation.reminded_at = None
        drop_waiting(uow, conversation.id)


def remind_of_waiting(uow: UnitOfWork) -> int:
    """Tell people again of contacts nobody has come to. Returns how many."""
    overdue = queries.list_overdue(uow, before=uow.now - handoff.REMIND_AFTER)
    for conversation in overdue:
        conversation.reminded_at = uow.now
        uow.emit(HandoffOverdue(conversation.id))
    return len(overdue)


def assign(uow: UnitOfWork, conversation_id: UUID, *, user_id: UUID | None) -> Conversation:
    """To a member, who then has the word; to nobody, and it waits again."""
    conversation = queries.lock_unblocked(uow, conversation_id)
    identity.check_is_member(uow, user_id, "user_id")
    if user_id is not None:
        _give_to_person(uow, conversation, user_id)
        _withdraw_bot_messages(uow, conversation)
        tell_assigned(uow, conversation, user_id)
    elif conversation.handling is Handling.HUMAN:
        await_person(uow, conversation, "unassigned")
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def resolve(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    conversation = queries.lock_unblocked(uow, conversation_id)
    if conversation.status is not ConversationStatus.RESOLVED:
        conversation.status, conversation.resolved_at, conversation.snoozed_until = ConversationStatus.RESOLVED, uow.now, None
        end_waiting(uow, conversation)
        conversation.unread_count, conversation.answered_number = 0, conversation.last_number
        promises.settle(uow, conversation)
        uow.emit(ConversationChanged(conversation.id))
        uow.emit(ConversationResolved(conversation.id))
    return conversation


def reopen(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """Resolved or put aside: with the person who reopens it, or the one who had it."""
    conversation = queries.lock_unblocked(uow, conversation_id)
    if conversation.status is not ConversationStatus.OPEN:
        promises.revive(uow, conversation)
        open_again(uow, conversation)
        if conversation.assignee_id is None and uow.actor.kind == "user":
            conversation.assignee_id = uow.actor.id
        conversation.handling = Handling.HUMAN if conversation.assignee_id else conversation.handling
        uow.emit(ConversationChanged(conversation.id))
    return conversation


def mark_read(uow: UnitOfWork, conversation_id: UUID, *, shown: int | None = None) -> Conversation:
    """`shown`: the number of the last message that somebody saw; what came after it stays unread."""
    conversation = queries.lock_conversation(uow, conversation_id)
    last = conversation.last_number if shown is None else min(shown, conversation.last_number)
    left = min(conversation.unread_count, queries.count_after(uow, conversation.id, last)) if last < conversation.last_number else 0
    if conversation.unread_count > left:
        uow.whisper(ConversationRead(conversation.id, conversation.unread_count - left, last))
        conversation.unread_count = left
        uow.emit(ConversationChanged(conversation.id))
    return conversation


def open_again(uow: UnitOfWork, conversation: Conversation) -> None:
    was_aside = conversation.status in {ConversationStatus.PENDING, ConversationStatus.SNOOZED}
    conversation.status, conversation.resolved_at, conversation.snoozed_until = ConversationStatus.OPEN, None, None
    if was_aside:
        promises.go_on(uow, conversation)


def _holder(conversation: Conversation) -> Holder:
    return handoff.holder(conversation.handling, conversation.waiting_since)


def _give_to_person(uow: UnitOfWork, conversation: Conversation, user_id: UUID) -> None:
    conversation.handling, conversation.assignee_id = Handling.HUMAN, user_id
    end_waiting(uow, conversation)


def _withdraw_bot_messages(uow: UnitOfWork, conversation: Conversation) -> None:
    withdrawn = uow.session.scalars(
        update(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.sender == Sender.AGENT_AI,
            Message.status == MessageStatus.QUEUED,
        )
        .values(status=MessageStatus.CANCELLED, error_code="taken_over")
        .returning(Message.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    for message_id in withdrawn:
        uow.emit(MessageStatusChanged(conversation.id, message_id, MessageStatus.CANCELLED))
