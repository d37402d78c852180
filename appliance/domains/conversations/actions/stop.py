"""Who asks to be written to no more, and who writes again after that."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, update

from appliance.core import i18n
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as contact_queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.speak import confirm_from_box
from appliance.domains.conversations.events import MessageStatusChanged
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import MessageKind, MessageStatus, Topic


def heed_stops(uow: UnitOfWork, by_id: Mapping[UUID, Conversation], stored: Sequence[Message]) -> None:
    """In the order in which it was written: the last word counts."""
    silenced = contact_queries.find_silenced(uow, {conversation.contact_id for conversation in by_id.values()})
    for message in stored:
        conversation = by_id[message.conversation_id]
        place = (conversation.contact_id, conversation.medium)
        if stop_if_asked(uow, conversation, message):
            silenced.add(place)
        elif place in silenced and _is_written(message):
            contacts.hear_again(uow, *place, evidence={"message_id": str(message.id)})
            silenced.remove(place)


def stop_if_asked(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    """SAIR, STOP and "para de me mandar mensagem" opt out in the same transaction that stores them and are confirmed once.

    True where the message asks for nothing else: it goes unanswered, and so does all before it. In a group nobody speaks for the others.
    """
    if conversation.is_group:
        return False
    text = wording.text_of(message.content)
    asked = contact_queries.find_stop(uow, text) if text else None
    if asked is None:
        return False
    message.topic, message.signals = Topic.OPT_OUT, []
    if asked.is_all:
        conversation.answered_number = max(conversation.answered_number, message.number)
    evidence = {"message_id": str(message.id), "text": text}
    is_new = contacts.opt_out(
        uow, conversation.contact_id, conversation.medium, source="message", evidence=evidence, wants_silence=asked.is_all
    )
    if is_new and asked.is_all:
        promises.drop(uow, conversation)
        _withdraw(uow, conversation)
    if is_new:
        with i18n.in_locale(asked.language):
            said = _("Done: we will not write to you again. If you need us, just send a message here.")
            confirm_from_box(uow, conversation.id, said)
    return asked.is_all


def _is_written(message: Message) -> bool:
    return message.kind is not MessageKind.REACTION and not (message.content.get("mail") or {}).get("automatic")


def _withdraw(uow: UnitOfWork, conversation: Conversation) -> None:
    """What still waits to be sent to them on this channel, in whichever of their threads."""
    own = select(Conversation.id).where(
        Conversation.contact_id == conversation.contact_id, Conversation.medium == conversation.medium, ~Conversation.is_group
    )
    withdrawn = uow.session.execute(
        update(Message)
        .where(Message.conversation_id.in_(own), Message.status == MessageStatus.QUEUED)
        .values(status=MessageStatus.CANCELLED, error_code="silenced")
        .returning(Message.conversation_id, Message.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    uow.emit_all(MessageStatusChanged(row.conversation_id, row.id, MessageStatus.CANCELLED) for row in withdrawn)
