"""What a mail tells of its reader, where they agreed to be told of."""

from uuid import UUID

from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.deliver import apply_status
from appliance.domains.conversations.events import MessageStatusChanged
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Message, Sighting
from appliance.domains.conversations.types import MessageStatus, StatusReport


def note_fetched(uow: UnitOfWork, message_id: UUID) -> None:
    """By a program: that is no sign of a reader. Raises MessageNotFound."""
    _lock(uow, queries.get_message(uow, message_id)).by_programs += 1


def note_opened(uow: UnitOfWork, message_id: UUID) -> None:
    """Raises MessageNotFound."""
    message = queries.get_message(uow, message_id)
    _lock(uow, message).opens += 1
    _tell_read(uow, message)


def note_followed(uow: UnitOfWork, message_id: UUID, address: str) -> None:
    """An address in it. Raises MessageNotFound."""
    message = queries.get_message(uow, message_id)
    sighting = _lock(uow, message)
    is_new = address not in sighting.followed
    sighting.followed = {**sighting.followed, address: sighting.followed.get(address, 0) + 1}
    _tell_read(uow, message)
    contact_id = queries.get_conversation(uow, message.conversation_id).contact_id
    contacts.add_timeline_entry(uow, contact_id, kind="mail.followed", object_id=message.id, summary=address)
    if is_new:
        uow.emit(MessageStatusChanged(message.conversation_id, message.id, message.status))


def _lock(uow: UnitOfWork, message: Message) -> Sighting:
    first = {"id": new_id(), "tenant_id": uow.tenant_id, "message_id": message.id, "opens": 0, "followed": {}, "by_programs": 0}
    insert_if_absent(uow, Sighting, {**first, "last_at": uow.now})
    sighting = uow.session.scalars(locked(select(Sighting).where(Sighting.message_id == message.id))).one()
    sighting.last_at = uow.now
    return sighting


def _tell_read(uow: UnitOfWork, message: Message) -> None:
    apply_status(uow, message.channel_id, StatusReport(MessageStatus.READ, uow.now, client_id=str(message.id)))
    contact_id, said = queries.get_conversation(uow, message.conversation_id).contact_id, wording.preview_of(message.kind, message.content)
    contacts.add_timeline_entry(uow, contact_id, kind="mail.opened", object_id=message.id, summary=said)
