"""Visitors of a web page who write to us. They prove which conversation is theirs, and prove nothing of who they are."""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core import crypto
from appliance.core.box import Box
from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.errors import UnknownVisitor
from appliance.domains.channels.rules import proofs
from appliance.domains.channels.types import SAID_EMAIL, Change, Spoken, Visit
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.events import ContactWriting
from appliance.domains.conversations.queries import Message
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, StatusReport

_WRITTEN = "web-in-"


def welcome_visitor(box: Box, key: str) -> str:
    """The token of a new visitor; nothing is kept of them until they write. Raises ChannelNotFound."""
    with box.whole_box("chat of a page", read_only=True) as uow:
        channel = queries.get_chat(uow, key)
    return proofs.token_for(_key(box, channel.tenant_id), key, secrets.token_hex(16))


def recognise_visitor(box: Box, key: str, token: str) -> Visit:
    """Raises ChannelNotFound, UnknownVisitor."""
    with box.whole_box("chat of a page", read_only=True) as uow:
        channel = queries.get_chat(uow, key)
        is_open = queries.is_chat_open(uow, channel)
    visitor = proofs.name_of(_key(box, channel.tenant_id), key, token)
    if visitor is None:
        raise UnknownVisitor
    return Visit(channel.tenant_id, channel.id, visitor, is_open)


def _key(box: Box, tenant_id: UUID) -> bytes:
    return crypto.derive(box.keys.tenant_key(tenant_id), "visitors")


def receive_visitor(
    uow: UnitOfWork, visit: Visit, client_id: str, kind: MessageKind, content: Mapping[str, Any], *, name: str = "", email: str = ""
) -> Message:
    """The same `client_id` again is the same message, answered as it was stored."""
    channel = queries.get_channel(uow, visit.channel_id)
    if not (visit.is_open and channel.active):
        raise Conflict(_("This chat is closed at the moment."))
    person = Person((Identity(IdentityKind.WEBCHAT, visit.visitor, channel.id.hex),), name.strip())
    incoming = Incoming(f"{_prefix(visit)}{client_id}", kind, content, uow.now)
    receive_changes(uow, channel, [Change((Spoken(person, visit.visitor, (incoming,)),))])
    if name or email:
        said = ContactFields(name=name.strip(), attributes={SAID_EMAIL: email.strip()} if email.strip() else {})
        contacts.upsert_contact(uow, person.identities, fields=said)
    stored = threads.find_by_provider_id(uow, channel.id, incoming.provider_id)
    assert stored is not None  # a moment ago, or when it came first
    return stored


def client_id_of(visit: Visit, message: Message) -> str:
    """What the visitor's page called the message; empty for ours."""
    return (message.provider_message_id or "").removeprefix(_prefix(visit)) if threads.is_from_contact(message) else ""


def _prefix(visit: Visit) -> str:
    return f"{_WRITTEN}{visit.visitor}-"


def show_writing(uow: UnitOfWork, visit: Visit, *, writes: bool) -> None:
    """To whoever of the team has the conversation open; nothing is kept of it."""
    conversation_id = threads.find_thread(uow, visit.channel_id, visit.visitor)
    if conversation_id is not None and visit.is_open:
        uow.whisper(ContactWriting(conversation_id, writes))


def note_seen(uow: UnitOfWork, visit: Visit, *, up_to: int, read: bool) -> None:
    """The visitor's page has our messages up to that number; with `read` they were on the screen."""
    conversation_id = threads.find_thread(uow, visit.channel_id, visit.visitor)
    if conversation_id is None:
        return
    status = MessageStatus.READ if read else MessageStatus.DELIVERED
    seen = [row for row in threads.list_unread(uow, conversation_id, up_to=up_to) if row.status is not status]
    if seen:
        reports = tuple(StatusReport(status, uow.now, provider_id=row.provider_message_id) for row in seen)
        receive_changes(uow, queries.get_channel(uow, visit.channel_id), [Change(reports=reports)])
