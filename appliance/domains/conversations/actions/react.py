"""A reaction of ours to one message. It is sent as all messages are, and answers nothing."""

from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.deliver import tell_status
from appliance.domains.conversations.events import MessageQueued
from appliance.domains.conversations.rules import delivery
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import Direction, MessageKind, Sender


def react(uow: UnitOfWork, message_id: UUID, emoji: str, *, user_id: UUID) -> Message:
    """In place of the one there was; an empty one takes it back. The same again is that one. Raises Refused."""
    conversation = queries.lock_conversation(uow, queries.get_message(uow, message_id).conversation_id)
    message = queries.lock_message(uow, message_id)
    if not message.provider_message_id or message.kind is MessageKind.REACTION or message.deleted_at is not None:
        raise Refused(_("Nobody can react to this: it is not with the customer."))
    last = next(iter(queries.list_reactions(uow, [message_id], ours=True)[::-1]), None)
    if last is not None and last.content.get("emoji") == emoji and last.status not in delivery.RETRIABLE:
        return last
    if last is None and not emoji:
        raise Refused(_("There is no reaction of yours to take back."))
    purpose = queries.check_consent(uow, conversation)
    queries.check_window(uow, conversation, MessageKind.REACTION)
    content = {"emoji": emoji, "message_id": message.provider_message_id}
    draft = Draft(
        Direction.OUTBOUND, Sender.USER, MessageKind.REACTION, content, sender_id=user_id, reply_to_id=message_id, purpose=purpose
    )
    reaction = append(uow, conversation, draft)
    uow.session.flush()
    uow.emit(MessageQueued(conversation.id, reaction.id))
    tell_status(uow, reaction)
    return reaction
