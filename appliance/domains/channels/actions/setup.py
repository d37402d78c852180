from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core import files
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import unique
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries as agents
from appliance.domains.agents.errors import AgentNotFound
from appliance.domains.channels import queries
from appliance.domains.channels.actions import linking, posting
from appliance.domains.channels.errors import ChannelInUse
from appliance.domains.channels.events import ChannelChanged
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.tables import Channel, MessageTemplate, RejectedEvent
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import queries as conversations

# the walls between organisations hide whose it is, also from us
TAKEN = _("This number or address is already connected to this box. Check it, or ask the box's operator.")


def create_channel(uow: UnitOfWork, given: ChannelIn) -> Channel:
    gateway, channel_id = gateway_of(given.kind), new_id()
    gateway.check_external_id(given.external_id)
    gateway.check_secrets(given.secrets)
    config = gateway.check_config(given.config)
    kind, external_id = gateway.kind, given.external_id or gateway.end_of(config) or channel_id.hex
    check_free(uow, kind.name, external_id)
    _check_agent(uow, given.agent_id)
    channel = Channel(
        id=channel_id, tenant_id=uow.tenant_id, kind=kind.name, name=given.name, external_id=external_id,
        config=config, secrets=given.secrets, agent_id=given.agent_id, active=True,
        status=ChannelStatus.NEW if kind.needs or kind.linked else ChannelStatus.CONNECTED, status_detail="", failures=0,
        per_second=kind.per_second, created_at=uow.now,
    )  # fmt: skip
    with unique(uow, TAKEN):
        uow.session.add(channel)
    if kind.linked:
        linking.add_link(uow, channel.id)
    uow.emit(ChannelChanged(channel.id))
    return channel


def check_free(uow: UnitOfWork, kind: str, external_id: str) -> None:
    if uow.session.scalar(select(Channel.id).where(Channel.kind == kind, Channel.external_id == external_id)):
        said = _("This number or address already has a channel.")
        raise Refused(said, fields={"external_id": said})


def _check_agent(uow: UnitOfWork, agent_id: UUID | None) -> None:
    if agent_id is None:
        return
    try:
        agents.get_agent(uow, agent_id)
    except AgentNotFound as err:
        raise Refused(err.message, fields={"agent_id": err.message}) from err


def change_channel(uow: UnitOfWork, channel_id: UUID, given: ChannelPatch) -> Channel:
    """Only what was given changes; a setting left out stays as it is, and so does a secret left out or empty."""
    channel = queries.lock_channel(uow, channel_id)
    gateway = gateway_of(channel.kind)
    said = given.model_dump(exclude_unset=True, exclude={"config", "secrets"})
    if said.get("agent_id") != channel.agent_id:
        _check_agent(uow, said.get("agent_id"))
    config, secrets = gateway.check_config({**channel.config, **given.config}), {**channel.secrets, **given.secrets}
    gateway.check_secrets({name for name in secrets if name in given.secrets or name not in gateway.kind.makes})
    is_other = bool(given.secrets) or config != channel.config
    was_active = channel.active
    for name, value in said.items():
        setattr(channel, name, value)
    if is_other:
        _connect_anew(uow, channel, config, secrets)
    if is_other or channel.active != was_active:
        channel.status = _status_of(channel)
    uow.emit(ChannelChanged(channel.id))
    return channel


def _connect_anew(uow: UnitOfWork, channel: Channel, config: dict[str, Any], secrets: dict[str, str]) -> None:
    """What was said of the old connection does not hold for this one."""
    end = gateway_of(channel.kind).end_of(config) or channel.external_id
    if end != channel.external_id:
        check_free(uow, channel.kind, end)
    with unique(uow, TAKEN):
        channel.config, channel.secrets, channel.external_id = config, secrets, end
    channel.failures, channel.paused_until, channel.status_detail = 0, None, ""


def _status_of(channel: Channel) -> ChannelStatus:
    """Saving proves nothing: trouble lasts until something goes through, and nobody is connected who never was."""
    if not channel.active:
        return ChannelStatus.DISABLED
    if channel.status_detail:
        return ChannelStatus.FAILING
    kind = gateway_of(channel.kind).kind
    is_known = channel.verified_at is not None or not (kind.needs or kind.linked)
    return ChannelStatus.CONNECTED if is_known else ChannelStatus.NEW


def delete_channel(uow: UnitOfWork, channel_id: UUID) -> None:
    channel = queries.lock_channel(uow, channel_id)
    if conversations.has_conversations(uow, channel_id):
        raise ChannelInUse(_("This channel has conversations. Disable it instead of deleting it."))
    linking.drop_link(uow, channel_id)
    posting.drop_letters(uow, channel_id)
    files.let_go(uow, select(MessageTemplate.id).where(MessageTemplate.channel_id == channel_id))
    for kept in (RejectedEvent, MessageTemplate):
        uow.session.execute(delete(kept).where(kept.channel_id == channel_id))
    uow.session.delete(channel)
    uow.emit(ChannelChanged(channel_id))
