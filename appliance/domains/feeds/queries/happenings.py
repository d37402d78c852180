"""What happened, as plain values: read from conversations and links."""

from datetime import datetime
from uuid import UUID

from appliance.core.errors import NotFound
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.channels.events import DELETED
from appliance.domains.channels.types import Ending, LinkState
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import IdentityKind
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageStatus, Sender
from appliance.domains.feeds.rules import shapes
from appliance.domains.feeds.tables import FeedItem
from appliance.domains.feeds.types import What


def happening_of(uow: UnitOfWork, item: FeedItem) -> shapes.Happening | None:
    """Raises NotFound for what is no longer there."""
    if item.what is What.CONNECTION:
        return _connection(item.facts, item.happened_at)
    assert item.message_id is not None
    if item.what is What.SAID:
        return said_of(uow, item.message_id)
    if item.what is What.REVISED:
        said = said_of(uow, item.message_id)
        return shapes.Revised(said.key, item.happened_at, None if item.facts["status"] == DELETED else said)
    status = MessageStatus(item.facts["status"])
    return shapes.Reported(_key_of(uow, item.message_id), status, item.happened_at, str(item.message_id))


def connection_of(uow: UnitOfWork, channel_id: UUID) -> shapes.Connection:
    """How the link stands now."""
    link = channels.get_link(uow, channel_id)
    return shapes.Connection(
        link.state, uow.now, link.code or 0, link.ending, link.qr or "", link.qr_number, link.pairing_code or ""
    )


def _connection(facts: dict[str, object], at: datetime) -> shapes.Connection:
    ending = Ending(str(facts["ending"])) if facts.get("ending") else None
    return shapes.Connection(
        LinkState(str(facts["state"])), at, int(str(facts["code"])), ending, str(facts["qr"]), int(str(facts["qr_number"])),
        str(facts["pairing_code"]),
    )  # fmt: skip


def said_of(uow: UnitOfWork, message_id: UUID) -> shapes.Said:
    message = conversations.get_message(uow, message_id)
    thread = conversations.get_conversation(uow, message.conversation_id)
    key = _key(uow, message, thread)
    author = message.content.get("author", {})
    name = author.get("name", "") if thread.is_group else "" if key.from_me else contacts.get_contact(uow, thread.contact_id).name
    quoted = _id_of(conversations.get_message(uow, message.reply_to_id)) if message.reply_to_id else ""
    file_url = f"{uow.box.settings.public_url}/api/v1/messages/{message_id}/media" if message.content.get("media") else ""
    return shapes.Said(
        key, name or "", message.occurred_at, message.kind, message.status, channels.as_written(message.content), quoted, file_url,
        _is_by_box(message), str(message_id),
    )  # fmt: skip


def _key_of(uow: UnitOfWork, message_id: UUID) -> shapes.Key:
    message = conversations.get_message(uow, message_id)
    return _key(uow, message, conversations.get_conversation(uow, message.conversation_id))


def _key(uow: UnitOfWork, message: Message, thread: Conversation) -> shapes.Key:
    jid = shapes.jid_of(thread.address)
    other = "" if thread.is_group else _other_name(uow, thread.contact_id, jid)
    author = message.content.get("author", {}).get("jid", "")
    return shapes.Key(jid, _id_of(message), message.direction is Direction.OUTBOUND, other, author)


def _other_name(uow: UnitOfWork, contact_id: UUID, jid: str) -> str:
    """The same person's LID where the chat is by phone, and the reverse."""
    servers = {IdentityKind.WHATSAPP: shapes.PHONE, IdentityKind.WHATSAPP_LID: shapes.LID}
    known = (row for row in contacts.list_identities(uow, contact_id) if row.kind in servers)
    names = (f"{row.value.lstrip('+')}@{servers[row.kind]}" for row in known)
    return next((name for name in names if name.partition("@")[2] != jid.partition("@")[2]), "")


def _id_of(message: Message) -> str:
    """What we wrote keeps our id from the moment it waits; all else has WhatsApp's."""
    ours = message.id.hex.upper()
    return ours if _is_by_box(message) else message.provider_message_id or ours


def _is_by_box(message: Message) -> bool:
    """What was written on the phone itself has a person for a sender, and nobody's id."""
    return message.direction is Direction.OUTBOUND and not (message.sender is Sender.USER and message.sender_id is None)


def find_named_message(uow: UnitOfWork, channel_id: UUID, key_id: str) -> UUID | None:
    """The message that a program calls so."""
    found = conversations.find_by_provider_id(uow, channel_id, key_id)
    if found is not None:
        return found.id
    try:
        message = conversations.get_message(uow, UUID(hex=key_id))
    except (ValueError, NotFound):
        return None
    return message.id if message.channel_id == channel_id else None
