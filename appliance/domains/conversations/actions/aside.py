"""Conversations put aside: until a time, until the contact writes, or because it is the contact's turn."""

from datetime import datetime, timedelta
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.filing import change_labels
from appliance.domains.conversations.actions.handle import assign, await_person, end_waiting, hand_back, open_again
from appliance.domains.conversations.actions.notices import tell_woken
from appliance.domains.conversations.actions.promises import set_priority
from appliance.domains.conversations.errors import ContactBlocked
from appliance.domains.conversations.events import ConversationChanged, ConversationWoken
from appliance.domains.conversations.queries import teams
from appliance.domains.conversations.schemas import StateIn
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, MessageKind, Sender

LONGEST = timedelta(days=366)


def snooze(uow: UnitOfWork, conversation_id: UUID, *, until: datetime | None) -> Conversation:
    """Out of the way until then, or until the contact writes. Who puts it aside has it, where nobody had."""
    _check_time(uow, until, "until")
    conversation = _put_aside(uow, conversation_id, ConversationStatus.SNOOZED)
    conversation.snoozed_until = until
    return conversation


def _check_time(uow: UnitOfWork, until: datetime | None, field: str) -> None:
    if until is not None and not uow.now < until < uow.now + LONGEST:
        sentence = _("Choose a time to come, within a year.")
        raise Refused(sentence, fields={field: sentence})


def set_pending(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """It is the contact's turn."""
    return _put_aside(uow, conversation_id, ConversationStatus.PENDING)


def _put_aside(uow: UnitOfWork, conversation_id: UUID, status: ConversationStatus) -> Conversation:
    conversation = queries.lock_unblocked(uow, conversation_id)
    conversation.status, conversation.snoozed_until, conversation.resolved_at = status, None, None
    end_waiting(uow, conversation)
    if conversation.handling is Handling.HUMAN and conversation.assignee_id is None and uow.actor.kind == "user":
        conversation.assignee_id = uow.actor.id
    conversation.unread_count = 0
    promises.pause(uow, conversation)
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def wake(uow: UnitOfWork, conversation_id: UUID) -> bool:
    """Its time has come: on top of the list again, unread, with a line that says why. False when it was moved meanwhile."""
    conversation = queries.lock_conversation(uow, conversation_id)
    due = conversation.snoozed_until
    if conversation.status is not ConversationStatus.SNOOZED or due is None or due > uow.now:
        return False
    open_again(uow, conversation)
    conversation.last_message_at, conversation.unread_count = uow.now, conversation.unread_count + 1
    line = append(uow, conversation, Draft(Direction.INTERNAL, Sender.SYSTEM, MessageKind.TEXT, {"event": "snooze_over"}))
    if conversation.handling is Handling.HUMAN and conversation.assignee_id is None:
        await_person(uow, conversation, "snooze_over")
    uow.session.flush()
    tell_woken(uow, conversation, line)
    uow.emit(ConversationWoken(conversation.id, line.id))
    return True


def state_of(conversation: Conversation) -> StateIn:
    return StateIn.model_validate(conversation)


def restore(uow: UnitOfWork, conversation_id: UUID, before: StateIn) -> Conversation:
    """As it was, where that is still possible: the bot's word only on a channel that has an agent.

    Raises Refused for a time that `snooze` would not take, ContactBlocked.
    """
    _check_time(uow, before.snoozed_until, "snoozed_until")
    if queries.lock_unblocked(uow, conversation_id) and before.status is ConversationStatus.BLOCKED:
        raise ContactBlocked
    is_aside = before.status is ConversationStatus.SNOOZED
    conversation = change_labels(uow, conversation_id, before.labels)
    _restore_place(uow, conversation, before)
    if before.handling is Handling.BOT and conversation.handling is not Handling.BOT:
        hand_back(uow, conversation_id)
    elif before.assignee_id != conversation.assignee_id:
        assign(uow, conversation_id, user_id=before.assignee_id)
    _follow_clocks(uow, conversation, before.status)
    conversation.status, conversation.snoozed_until = before.status, before.snoozed_until if is_aside else None
    conversation.resolved_at = uow.now if before.status is ConversationStatus.RESOLVED else None
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def _follow_clocks(uow: UnitOfWork, conversation: Conversation, to: ConversationStatus) -> None:
    if conversation.status is ConversationStatus.RESOLVED:
        promises.revive(uow, conversation)
    if to is ConversationStatus.RESOLVED:
        promises.settle(uow, conversation)
    elif to is ConversationStatus.OPEN:
        promises.go_on(uow, conversation)
    else:
        promises.pause(uow, conversation)


def _restore_place(uow: UnitOfWork, conversation: Conversation, before: StateIn) -> None:
    """What was not said stays."""
    if "priority" in before.model_fields_set:
        set_priority(uow, conversation.id, before.priority)
    if "team_id" in before.model_fields_set:
        conversation.team_id = teams.get_team(uow, before.team_id).id if before.team_id else None
