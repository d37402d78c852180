from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries as agents
from appliance.domains.agents.errors import AgentNotFound
from appliance.domains.channels import queries
from appliance.domains.channels.errors import ChannelInUse
from appliance.domains.channels.events import ChannelChanged
from appliance.domains.channels.gateways import gateway_of
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.tables import Channel, RejectedEvent
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import queries as conversations


def create_channel(uow: UnitOfWork, given: ChannelIn) -> Channel:
    gateway, channel_id = gateway_of(given.kind), new_id()
    gateway.check_external_id(given.external_id)
    gateway.check_secrets(given.secrets)
    kind, external_id = gateway.kind, given.external_id or channel_id.hex
    _check_free(uow, kind.name, external_id)
    _check_agent(uow, given.agent_id)
    channel = Channel(
        id=channel_id, tenant_id=uow.tenant_id, kind=kind.name, name=given.name, external_id=external_id,
        secrets=given.secrets, agent_id=given.agent_id, active=True, status=ChannelStatus.NEW if kind.needs else ChannelStatus.CONNECTED,
        status_detail="", failures=0, per_second=kind.per_second, created_at=uow.now,
    )  # fmt: skip
    try:
        with uow.session.begin_nested():
            uow.session.add(channel)
            uow.session.flush()
    except IntegrityError as err:  # the walls between organisations hide whose it is, also from us
        raise Conflict(_("This number is already connected to this box. Check its id, or ask the box's operator.")) from err
    uow.emit(ChannelChanged(channel.id))
    return channel


def _check_free(uow: UnitOfWork, kind: str, external_id: str) -> None:
    if uow.session.scalar(select(Channel.id).where(Channel.kind == kind, Channel.external_id == external_id)):
        raise Refused(_("This number already has a channel."), fields={"external_id": _("This number already has a channel.")})


def _check_agent(uow: UnitOfWork, agent_id: UUID | None) -> None:
    if agent_id is None:
        return
    try:
        agents.get_agent(uow, agent_id)
    except AgentNotFound as err:
        raise Refused(err.message, fields={"agent_id": err.message}) from err


def change_channel(uow: UnitOfWork, channel_id: UUID, given: ChannelPatch) -> Channel:
    """Only what was given changes; a secret left out or empty stays as it is."""
    channel = queries.lock_channel(uow, channel_id)
    said = given.model_dump(exclude_unset=True, exclude={"secrets"})
    if said.get("agent_id") != channel.agent_id:
        _check_agent(uow, said.get("agent_id"))
    for name, value in said.items():
        setattr(channel, name, value)
    if given.secrets:
        channel.secrets = {**channel.secrets, **given.secrets}
        gateway_of(channel.kind).check_secrets(channel.secrets)
        channel.failures, channel.paused_until, channel.status_detail = 0, None, ""
    if "active" in said:
        channel.status = ChannelStatus.CONNECTED if channel.active else ChannelStatus.DISABLED
    uow.emit(ChannelChanged(channel.id))
    return channel


def delete_channel(uow: UnitOfWork, channel_id: UUID) -> None:
    channel = queries.lock_channel(uow, channel_id)
    if conversations.has_conversations(uow, channel_id):
        raise ChannelInUse(_("This channel has conversations. Disable it instead of deleting it."))
    uow.session.execute(delete(RejectedEvent).where(RejectedEvent.channel_id == channel_id))
    uow.session.delete(channel)
    uow.emit(ChannelChanged(channel_id))
