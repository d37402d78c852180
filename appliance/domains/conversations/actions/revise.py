"""What its writer did to a message after it was sent: it says something else, or nothing any more."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core import files
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.remember import forget_words, remember_words
from appliance.domains.conversations.actions.stop import stop_if_asked
from appliance.domains.conversations.actions.summaries import forget_summaries
from appliance.domains.conversations.events import MessageRevised, MessageTranscribed
from appliance.domains.conversations.rules import searching, wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, Revision

MOST_EARLIER = 20  # telephones allow changes for a quarter of an hour; a program of somebody's does not stop there


def revise(uow: UnitOfWork, message_id: UUID, revision: Revision) -> bool:
    """False when nothing is new: told twice or late, or by somebody who did not write it."""
    conversation = queries.lock_conversation(uow, queries.get_message(uow, message_id).conversation_id)
    message = queries.lock_message(uow, message_id)
    before = message.content
    if not _is_theirs(message, revision) or not _is_news(message, revision):
        return False
    first, *others = [*(message.earlier or []), {"text": wording.written_in(before), "until": revision.occurred_at.isoformat()}]
    message.earlier = [first, *others[1 - MOST_EARLIER :]]
    if revision.text is None:
        _delete(uow, message, revision)
    else:
        named = {"mentions": list(revision.mentions)} if revision.mentions or "mentions" in before else {}
        message.content, message.edited_at = {**before, "text": revision.text, **named}, revision.occurred_at
    tell_anew(uow, conversation, message, before)
    if revision.text is not None and revision.by_contact:
        stop_if_asked(uow, conversation, message)
    uow.emit(MessageRevised(conversation.id, message.id))
    if message.deleted_at is not None and wording.awaits_words(before):  # what was typed beside it waits for words that will not come
        uow.emit(MessageTranscribed(conversation.id, message.id))
    return True


def reword(uow: UnitOfWork, message_id: UUID, said: Mapping[str, Any]) -> None:
    """The transport knows by now how the message reads; nobody changed it."""
    conversation = queries.lock_conversation(uow, queries.get_message(uow, message_id).conversation_id)
    message = queries.lock_message(uow, message_id)
    before = message.content
    if message.deleted_at is None and {**before, **said} != before:
        message.content = {**before, **said}
        tell_anew(uow, conversation, message, before)
        uow.emit(MessageRevised(conversation.id, message.id))


def _is_theirs(message: Message, revision: Revision) -> bool:
    same_side = revision.by_contact == (message.direction is Direction.INBOUND)
    return same_side and message.content.get("author", {}).get("jid", "") == revision.author


def _is_news(message: Message, revision: Revision) -> bool:
    if message.deleted_at is not None or (message.edited_at is not None and message.edited_at > revision.occurred_at):
        return False
    return revision.text is None or revision.text != wording.text_of(message.content)


def _delete(uow: UnitOfWork, message: Message, revision: Revision) -> None:
    """Its file goes for good, and what was heard in it; what was written stays for who looks after the inbox."""
    files.let_go(uow, [message.id])
    message.content = {name: value for name, value in message.content.items() if name == "author"}
    message.deleted_at = revision.occurred_at


def tell_anew(uow: UnitOfWork, conversation: Conversation, message: Message, before: dict[str, Any]) -> None:
    """The list, the search and the person's story say what the message says; a summary may say what it said."""
    said = wording.preview_of(message.kind, message.content, is_deleted=message.deleted_at is not None)
    newest = queries.list_recent(uow, conversation.id, before=conversation.last_number + 1, limit=1)
    if message in newest and conversation.preview == wording.preview_of(message.kind, before):
        conversation.preview = said
    contacts.reword_timeline_entry(uow, message.id, said)
    old, new = (set(searching.forms_in(searching.text_in(content))) for content in (before, message.content))
    forget_words(uow, message, old - new)
    remember_words(uow, [message], known=old)
    forget_summaries(uow, conversation.id)
