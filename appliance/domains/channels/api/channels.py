from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, Page, PageOf, PageQuery
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelOut, ChannelPatch, CheckupOut, RejectedOut, SimulatedIn, SimulatedOut
from appliance.domains.channels.tables import Channel, RejectedEvent
from appliance.domains.channels.types import Checkup

api = Api("channels")
READ, MANAGE = "channels:read", "channels:write"


@api.get("/channels", permission=READ, query=PageQuery, returns=PageOf[ChannelOut])
def list_channels(uow: UnitOfWork, query: PageQuery) -> Page[Channel]:
    return queries.list_page(uow, query)


@api.post("/channels", permission=MANAGE, body=ChannelIn, returns=ChannelOut, status=201)
def create_channel(uow: UnitOfWork, body: ChannelIn) -> Channel:
    return actions.create_channel(uow, body)


@api.get("/channels/rejected", permission=MANAGE, query=PageQuery, returns=PageOf[RejectedOut])
def list_rejected(uow: UnitOfWork, query: PageQuery) -> Page[RejectedEvent]:
    return queries.list_rejected(uow, query)


@api.get("/channels/<uuid:channel_id>", permission=READ, returns=ChannelOut)
def get_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    return queries.get_channel(uow, channel_id)


@api.patch("/channels/<uuid:channel_id>", permission=MANAGE, body=ChannelPatch, returns=ChannelOut)
def change_channel(uow: UnitOfWork, channel_id: UUID, body: ChannelPatch) -> Channel:
    return actions.change_channel(uow, channel_id, body)


@api.delete("/channels/<uuid:channel_id>", permission=MANAGE)
def delete_channel(uow: UnitOfWork, channel_id: UUID) -> None:
    actions.delete_channel(uow, channel_id)


@api.post("/channels/<uuid:channel_id>/check", permission=MANAGE, returns=CheckupOut, unit=False, summary="Test the connection")
def check_channel(call: Call, channel_id: UUID) -> Checkup:
    with call.unit(read_only=True) as uow:
        account = queries.get_account(uow, channel_id)
    return actions.check_connection(call.box, account)


@api.post("/channels/<uuid:channel_id>/simulate", permission=MANAGE, body=SimulatedIn, returns=SimulatedOut, status=201)
def simulate(uow: UnitOfWork, channel_id: UUID, body: SimulatedIn) -> SimulatedOut:
    conversation_id = actions.receive_simulated(
        uow, channel_id, visitor=body.visitor, name=body.name, text=body.text, client_id=body.client_id
    )
    return SimulatedOut(conversation_id=conversation_id)
