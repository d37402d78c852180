"""Linked numbers as an agent's: what other gateways of this kind address them by."""

from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions import linking
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.actions.setup import create_channel
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.schemas import ChannelIn, LinkInitIn, SendMessageIn
from appliance.domains.channels.tables import WhatsappSession
from appliance.domains.channels.types import WHATSAPP_QR, LinkState
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.schemas import MessageOut
from appliance.domains.conversations.types import Person


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
    person = Person((Identity(IdentityKind.WHATSAPP, given.to),))
    route = route_of(channel, given.to)
    return MessageOut.model_validate(conversations.write_first(uow, route, person, user_id=user_id, content={"text": given.text}))
