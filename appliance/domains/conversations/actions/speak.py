from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.shortening import shortened_at_sentence
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import drafts, promises
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.handle import open_again, take_over
from appliance.domains.conversations.actions.notices import tell_mentioned
from appliance.domains.conversations.actions.remember import remember_words
from appliance.domains.conversations.errors import ContactBlocked, WindowClosed
from appliance.domains.conversations.events import ConversationChanged, InternalNoteAdded, MessageQueued
from appliance.domains.conversations.rules import lengths
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import (
    AgentReply,
    ConversationStatus,
    Direction,
    DraftKind,
    Handling,
    MessageKind,
    Sender,
)


def reply(
    uow: UnitOfWork,
    conversation_id: UUID,
    *,
    user_id: UUID,
    content: Mapping[str, Any],
    kind: MessageKind = MessageKind.TEXT,
    reply_to_id: UUID | None = None,
    purpose: Purpose | None = None,
) -> Message:
    """A person answers. Doing so takes a conversation that the bot or nobody held.

    `purpose`: what the message is for, where that is more than an answer.
    """
    conversation = queries.lock_conversation(uow, conversation_id)
    if reply_to_id is not None and queries.get_message(uow, reply_to_id).conversation_id != conversation.id:
        raise NotFound(_("The quoted message is not part of this conversation."))
    text = str(content.get("text", ""))
    most = lengths.room_for_text(conversation.medium, conversation.max_text, kind, content)
    if len(text) > most:
        too_long = _("A message may have %(most)d characters here; this one has %(has)d.", most=most, has=len(text))
        said = too_long if most else _("WhatsApp takes no words with a recording: send them by themselves.")
        raise Refused(said, fields={"text": said})
    asked = queries.check_consent(uow, conversation, purpose)
    draft = Draft(Direction.OUTBOUND, Sender.USER, kind, content, sender_id=user_id, reply_to_id=reply_to_id, purpose=asked)
    message = _queue(uow, conversation, draft)
    drafts.forget_sent(uow, conversation_id, user_id, DraftKind.REPLY, text)
    if conversation.handling is Handling.BOT or conversation.assignee_id is None:
        take_over(uow, conversation_id, user_id=user_id)
    conversation.unread_count, conversation.answered_number = 0, conversation.last_number
    promises.keep_reply(uow, conversation)
    return message


def queue_agent_reply(uow: UnitOfWork, conversation_id: UUID, answer: AgentReply) -> Message | None:
    """None when a person took the conversation, or another answer covered these messages, while the agent was thinking."""
    conversation = queries.lock_conversation(uow, conversation_id)
    if not _can_agent_speak(conversation, answer.up_to_number):
        return None
    content: dict[str, Any] = {"text": answer.text}
    if answer.buttons:
        content["buttons"] = [{"id": f"choice-{number}", "title": title} for number, title in enumerate(answer.buttons, 1)]
    draft = Draft(
        Direction.OUTBOUND,
        Sender.AGENT_AI,
        MessageKind.BUTTONS if answer.buttons else MessageKind.TEXT,
        _fitted(conversation, MessageKind.BUTTONS if answer.buttons else MessageKind.TEXT, content),
        sender_id=conversation.agent_id,
        sources=answer.sources,
        answers_up_to=answer.up_to_number,
        purpose=queries.check_consent(uow, conversation),
    )
    message = _queue(uow, conversation, draft)
    conversation.answered_number = answer.up_to_number
    return message


def note_answered(uow: UnitOfWork, conversation_id: UUID, up_to_number: int) -> None:
    """These messages need no answer (a thumbs-up, an "ok")."""
    conversation = queries.lock_conversation(uow, conversation_id)
    conversation.answered_number = max(conversation.answered_number, up_to_number)


def _can_agent_speak(conversation: Conversation, up_to_number: int) -> bool:
    return (
        conversation.handling is Handling.BOT
        and conversation.status not in {ConversationStatus.RESOLVED, ConversationStatus.BLOCKED}
        and up_to_number > conversation.answered_number
    )


def queue_notice(uow: UnitOfWork, conversation_id: UUID, text: str) -> Message | None:
    """A sentence from the box itself; it is sent whoever holds the word.

    None when nobody may write: what brought the notice about stands, only nobody can be told of it.
    """
    return queue_from_box(uow, queries.lock_conversation(uow, conversation_id), MessageKind.TEXT, {"text": text})


def queue_from_box(
    uow: UnitOfWork, conversation: Conversation, kind: MessageKind, content: Mapping[str, Any], *, purpose: Purpose | None = None
) -> Message | None:
    """The conversation must be locked; it stays resolved, if it is. None when the window is closed, the contact blocked or unwilling."""
    try:
        asked = queries.check_consent(uow, conversation, purpose)
    except ConsentRefused:
        return None
    return _queue_if_open(uow, conversation, kind, content, purpose=asked)


def confirm_from_box(uow: UnitOfWork, conversation_id: UUID, text: str) -> Message | None:
    """That a stop was heard: the one thing said to somebody who asked for silence."""
    return _queue_if_open(uow, queries.lock_conversation(uow, conversation_id), MessageKind.TEXT, {"text": text}, purpose=None)


def _queue_if_open(
    uow: UnitOfWork, conversation: Conversation, kind: MessageKind, content: Mapping[str, Any], *, purpose: Purpose | None
) -> Message | None:
    try:
        fitted = _fitted(conversation, kind, content)
        return _queue(uow, conversation, Draft(Direction.OUTBOUND, Sender.SYSTEM, kind, fitted, purpose=purpose))
    except (ContactBlocked, WindowClosed):
        return None


def _fitted(conversation: Conversation, kind: MessageKind, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What nobody is there to shorten, as the contact gets it: the team reads the same."""
    if kind is MessageKind.TEMPLATE or "text" not in content:
        return content
    most = lengths.room_for_text(conversation.medium, conversation.max_text, kind, content)
    return {**content, "text": shortened_at_sentence(str(content["text"]), most)}


def add_note(uow: UnitOfWork, conversation_id: UUID, *, user_id: UUID, text: str) -> Message:
    """Seen by colleagues, never sent."""
    conversation = queries.lock_conversation(uow, conversation_id)
    note = append(uow, conversation, Draft(Direction.INTERNAL, Sender.USER, MessageKind.NOTE, {"text": text}, sender_id=user_id))
    uow.session.flush()
    remember_words(uow, [note])
    drafts.forget_sent(uow, conversation_id, user_id, DraftKind.NOTE, text)
    tell_mentioned(uow, conversation, note)
    uow.emit(InternalNoteAdded(conversation.id, note.id))
    return note


def _queue(uow: UnitOfWork, conversation: Conversation, draft: Draft) -> Message:
    queries.check_window(uow, conversation, draft.kind)
    message = append(uow, conversation, draft)
    if draft.sender is not Sender.SYSTEM:
        conversation.first_response_at = conversation.first_response_at or uow.now
    is_put_away = conversation.status in {ConversationStatus.RESOLVED, ConversationStatus.SNOOZED}
    if is_put_away and draft.sender is not Sender.SYSTEM:
        open_again(uow, conversation)
        uow.emit(ConversationChanged(conversation.id))
    uow.session.flush()
    remember_words(uow, [message])
    uow.emit(MessageQueued(conversation.id, message.id))
    return message
