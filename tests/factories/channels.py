"""Channels, and customers who write on them."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn


def make_simulator(uow: UnitOfWork) -> UUID:
    return actions.create_channel(uow, ChannelIn(kind="simulator", name="Simulator")).id


def make_chat(uow: UnitOfWork) -> str:
    """The public key of a chat for web pages."""
    return actions.create_channel(uow, ChannelIn(kind="webchat", name="Site", config={"title": "Solara"})).external_id


def say(uow: UnitOfWork, channel_id: UUID, text: str) -> UUID:
    """A new visitor writes; returns the conversation."""
    return actions.receive_simulated(uow, channel_id, visitor=new_id().hex, name="Davi", text=text)


PATH_PARAMETERS = {"channel_id": make_simulator, "key": make_chat}
BODIES = {
    "POST /api/v1/whatsapp/<uuid:agent_id>/send-message": {"to": "5531999990001", "text": "Oi"},
    "POST /api/v1/whatsapp/<uuid:agent_id>/sessions/init": {"risk_version": 1},
}
