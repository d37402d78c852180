"""Recordings are listened to as soon as their file is there. Nothing here waits for it."""

from datetime import timedelta

from appliance.core import deliveries
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.events import MessageTranscribed, WordsOverdue, WordsWanted
from appliance.domains.conversations.queries.listening import listening
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Hearing, MessageKind
from appliance.domains.identity.types import Listening

GIVE_UP = timedelta(minutes=10)


def want_words(uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    """Of a recording that has just come in or goes out; its file may still be on its way. Nobody listens to who is blocked."""
    media = message.content.get("media") or {}
    is_there = bool(media.get("blob_id"))
    if message.kind is not MessageKind.AUDIO or not (is_there or media.get("provider_id")):
        return
    if conversation.status is ConversationStatus.BLOCKED or listening(uow) is Listening.OFF:
        return
    message.content = {**message.content, "transcript": {"state": Hearing.WAITING.value}}
    if is_there:
        uow.emit(WordsWanted(message.id))
    uow.emit(WordsOverdue(message.id), delay=GIVE_UP)


def go_on_listening(uow: UnitOfWork) -> None:
    """The organisation is resumed: its recordings have their time from now on."""
    deliveries.put_off(uow, "conversations.give_up_words", GIVE_UP)


def note_file(uow: UnitOfWork, message: Message) -> None:
    """The file of a message came, or will not come, which its `media` says."""
    if not wording.takes_words(message.content, Hearing.WRITTEN):
        return
    if message.content["media"].get("blob_id"):
        uow.emit(WordsWanted(message.id))
    elif wording.awaits_words(message.content):
        failed = {"state": Hearing.FAILED.value, "error": message.content["media"].get("error", "")}
        message.content = {**message.content, "transcript": failed}
        uow.emit(MessageTranscribed(message.conversation_id, message.id))
