"""Linked numbers as an agent's: what other gateways of this kind address them by."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions import linking
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.actions.setup import create_channel
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.rules import groups
from appliance.domains.channels.schemas import ChannelIn, LinkInitIn, SendMessageIn
from appliance.domains.channels.tables import WhatsappSession
from appliance.domains.channels.types import WHATSAPP_QR, LinkState
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.schemas import MessageOut
from appliance.domains.conversations.types import MessageKind, Person


def begin_link_of_agent(uow: UnitOfWork, agent_id: UUID, given: LinkInitIn) -> WhatsappSession:
    """Raises AgentNotFound, ChannelNotFound."""
    channel_id = given.channel_id
    if channel_id is not None:
        queries.get_link_of_agent(uow, agent_id, channel_id)
    else:
        shut = (channel.id for channel, link in queries.list_links_of_agent(uow, agent_id) if link.state is not LinkState.OPEN)
        channel_id = next(shut, None) or create_channel(uow, ChannelIn(kind=WHATSAPP_QR, name=given.name, agent_id=agent_id)).id
    if given.risk_version is not None:
        linking.accept_risk(uow, channel_id, given.risk_version)
    return linking.begin_link(uow, channel_id, phone=given.phone)


def write_to(uow: UnitOfWork, agent_id: UUID, given: SendMessageIn, *, user_id: UUID) -> MessageOut:
    """By one of the agent's linked numbers, an open one first. What is written while it is shut waits."""
    own = [(channel, link) for channel, link in queries.list_links_of_agent(uow, agent_id) if given.channel_id in (None, channel.id)]
    if not own:
        raise ChannelNotFound
    channel, _ = max(own, key=lambda pair: pair[1].state is LinkState.OPEN)
    return write_over(uow, channel.id, given.to, {"text": given.text}, user_id=user_id)


def write_over(
    uow: UnitOfWork, channel_id: UUID, to: str, content: Mapping[str, Any], *, user_id: UUID,
    kind: MessageKind = MessageKind.TEXT, reply_to_id: UUID | None = None,
) -> MessageOut:  # fmt: skip
    """By this linked number to an address, through the gate that everything passes. Raises ConsentRefused."""
    channel = queries.get_channel(uow, channel_id)
    message = conversations.write_first(
        uow, route_of(channel, to), Person((_named(to),)), user_id=user_id, content=content, kind=kind, reply_to_id=reply_to_id
    )
    return MessageOut.model_validate(message)


def _named(to: str) -> Identity:
    if groups.is_group(to):
        return groups.identity_of(to)
    return Identity(IdentityKind.WHATSAPP_LID, to.partition("@")[0]) if "@" in to else Identity(IdentityKind.WHATSAPP, to)
