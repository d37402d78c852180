"""Numbers linked by QR: of one channel, and of one agent in the addresses that gateways of this kind have."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call
from appliance.domains.channels import actions, queries
from appliance.domains.channels.api.channels import MANAGE, READ
from appliance.domains.channels.queries import Meter
from appliance.domains.channels.schemas import (
    AgentLinksOut,
    ChannelOut,
    ConnectionOut,
    LinkCodesOut,
    LinkIn,
    LinkInitIn,
    LinkOut,
    MeterOut,
    MoveIn,
    RiskAcceptedIn,
    SendMessageIn,
)
from appliance.domains.channels.tables import Channel, WhatsappSession
from appliance.domains.conversations.schemas import MessageOut

links = Api("whatsapp")


@links.get("/channels/<uuid:channel_id>/link", permission=READ, returns=LinkOut)
def get_link(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    return queries.get_link(uow, channel_id)


@links.get("/channels/<uuid:channel_id>/link/codes", permission=MANAGE, returns=LinkCodesOut, summary="What is scanned or typed now")
def get_codes(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    return queries.get_link(uow, channel_id)


@links.get("/channels/<uuid:channel_id>/link/risk", permission=READ, returns=MeterOut)
def get_risk(uow: UnitOfWork, channel_id: UUID) -> Meter:
    return queries.get_meter(uow, channel_id)


@links.post("/channels/<uuid:channel_id>/link/risk", permission=MANAGE, body=RiskAcceptedIn, returns=LinkOut)
def accept_risk(uow: UnitOfWork, channel_id: UUID, body: RiskAcceptedIn) -> WhatsappSession:
    return actions.accept_risk(uow, channel_id, body.version)


@links.post("/channels/<uuid:channel_id>/link", permission=MANAGE, body=LinkIn, returns=LinkOut, unit=False)
def begin_link(call: Call, channel_id: UUID, body: LinkIn) -> LinkOut:
    with call.unit() as uow:
        link = LinkOut.model_validate(actions.begin_link(uow, channel_id, phone=body.phone))
    queries.nudge_sessions(call.box)
    return link


@links.delete("/channels/<uuid:channel_id>/link", permission=MANAGE)
def unlink(uow: UnitOfWork, channel_id: UUID) -> None:
    actions.unlink(uow, channel_id)


@links.delete("/channels/<uuid:channel_id>/link/keys", permission=MANAGE, summary="Destroy an unlinked number's keys, the phone untold")
def leave_untold(uow: UnitOfWork, channel_id: UUID) -> None:
    actions.leave_untold(uow, channel_id)


@links.post("/channels/<uuid:channel_id>/move", permission=MANAGE, body=MoveIn, returns=ChannelOut, summary="Go on by the Cloud API")
def move_to_cloud(uow: UnitOfWork, channel_id: UUID, body: MoveIn) -> Channel:
    return actions.move_to_cloud(uow, channel_id, body)


@links.post("/whatsapp/<uuid:agent_id>/sessions/init", permission=MANAGE, body=LinkInitIn, returns=LinkOut, unit=False)
def init_session(call: Call, agent_id: UUID, body: LinkInitIn) -> LinkOut:
    with call.unit() as uow:
        link = LinkOut.model_validate(actions.begin_link_of_agent(uow, agent_id, body))
    queries.nudge_sessions(call.box)
    return link


@links.get("/whatsapp/<uuid:agent_id>/status", permission=READ, returns=AgentLinksOut)
def get_status(uow: UnitOfWork, agent_id: UUID) -> AgentLinksOut:
    return AgentLinksOut(sessions=[LinkOut.model_validate(link) for link in _of_agent(uow, agent_id)])


@links.get("/whatsapp/<uuid:agent_id>/sessions", permission=READ, returns=AgentLinksOut)
def list_sessions(uow: UnitOfWork, agent_id: UUID) -> AgentLinksOut:
    return get_status(uow, agent_id)


@links.delete("/whatsapp/<uuid:agent_id>/sessions/<uuid:channel_id>", permission=MANAGE)
def end_session(uow: UnitOfWork, agent_id: UUID, channel_id: UUID) -> None:
    queries.get_link_of_agent(uow, agent_id, channel_id)
    actions.unlink(uow, channel_id)


@links.post("/whatsapp/<uuid:agent_id>/send-message", permission=MANAGE, body=SendMessageIn, returns=MessageOut, status=201)
def send_message(uow: UnitOfWork, agent_id: UUID, body: SendMessageIn) -> MessageOut:
    return actions.write_to(uow, agent_id, body, user_id=uow.actor.writer_id)


@links.get("/debug/whatsapp/<uuid:agent_id>/connection", permission=MANAGE, returns=ConnectionOut, unit=False)
def debug_connection(call: Call, agent_id: UUID) -> ConnectionOut:
    with call.unit(read_only=True) as uow:
        found = [LinkOut.model_validate(link) for link in _of_agent(uow, agent_id)]
    is_watched = queries.nudge_sessions(call.box)
    return ConnectionOut(sessions=found, supervisor=is_watched)


def _of_agent(uow: UnitOfWork, agent_id: UUID) -> Sequence[WhatsappSession]:
    return [link for _, link in queries.list_links_of_agent(uow, agent_id)]
