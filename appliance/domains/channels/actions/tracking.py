"""A reader tells, by what stands in a mail, that it was opened or an address in it followed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID

from appliance.core.box import Box
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.email import tracking
from appliance.domains.channels.gateways.email.settings import EmailSettings
from appliance.domains.channels.rules import tracking as rules
from appliance.domains.channels.types import EMAIL
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as known
from appliance.domains.conversations.errors import MessageNotFound

READER = Actor("contact", name="e-mail")
Note = Callable[[UnitOfWork, UUID], None]


def check_sign(box: Box, channel_id: UUID, token: str, address: str) -> tuple[UUID, UUID]:
    """Tenant and message. Raises ChannelNotFound, also for what somebody made up."""
    with box.whole_box("mail_read", read_only=True) as uow:
        channel = queries.get_channel(uow, channel_id)
        tenant_id = channel.tenant_id
    message_id = tracking.message_of(box, tenant_id, channel_id, token, address)
    if message_id is None:
        raise ChannelNotFound
    return tenant_id, message_id


def note_read(box: Box, tenant_id: UUID, message_id: UUID, headers: Mapping[str, str], address: str) -> None:
    """Opens its own units, to write only where there is something new to tell: call it with none open."""
    with box.unit(tenant_id, READER, read_only=True) as uow:
        note = _news_of(uow, message_id, headers, address)
    if note is not None:
        with box.unit(tenant_id, READER) as uow, suppress(MessageNotFound):
            note(uow, message_id)


def _news_of(uow: UnitOfWork, message_id: UUID, headers: Mapping[str, str], address: str) -> Note | None:
    """Nothing is kept of whoever took the yes back, of a channel that no longer asks, of what is gone, and of what was just told."""
    try:
        message, seen = known.get_message(uow, message_id), known.get_sighting(uow, message_id)
    except MessageNotFound:
        return None
    channel = queries.get_channel(uow, message.channel_id)
    contact_id = known.get_conversation(uow, message.conversation_id).contact_id
    if channel.kind != EMAIL or not tracking.may_track(uow, EmailSettings.model_validate(channel.config), contact_id):
        return None
    note: Note = conversations.note_opened
    times = seen.opens
    if rules.is_program(headers, sent_at=message.sent_at, now=uow.now):
        note, times = conversations.note_fetched, seen.by_programs
    elif address:
        note, times = partial(conversations.note_followed, address=address), seen.followed.get(address, 0)
    return None if times and rules.is_again(seen.last_at, uow.now) else note
