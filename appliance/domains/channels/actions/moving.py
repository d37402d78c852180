"""A number that was linked by QR goes on by the official way."""

from uuid import UUID

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import unique
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.envelopes import read_all
from appliance.domains.channels.actions.linking import drop_link
from appliance.domains.channels.actions.setup import TAKEN, check_free
from appliance.domains.channels.events import ChannelChanged
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.schemas import MoveIn
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import WHATSAPP_CLOUD, WHATSAPP_QR, ChannelStatus
from appliance.domains.conversations import actions as conversations


def move_to_cloud(uow: UnitOfWork, channel_id: UUID, given: MoveIn) -> Channel:
    """The same channel under Meta's id: conversations and people stay, what waits to be sent goes the new way.

    Raises Conflict while a phone is linked, and for a channel of another kind; Refused for what Meta's keys may not be.
    """
    channel = queries.lock_channel(uow, channel_id)
    if channel.kind != WHATSAPP_QR:
        raise Conflict(_("Only a number that was linked by QR moves to the Cloud API."))
    gateway = gateway_of(WHATSAPP_CLOUD)
    gateway.check_external_id(given.external_id)
    gateway.check_secrets(given.secrets)
    config = gateway.check_config(given.config)
    check_free(uow, WHATSAPP_CLOUD, given.external_id)
    read_all(uow)  # what came by the link is read as what it is
    drop_link(uow, channel_id)
    with unique(uow, TAKEN):
        channel.kind, channel.external_id, channel.config, channel.secrets = WHATSAPP_CLOUD, given.external_id, config, given.secrets
    channel.per_second, channel.next_slot_at, channel.verified_at = gateway.kind.per_second, None, None
    channel.failures, channel.paused_until, channel.status_detail = 0, None, ""
    channel.status = ChannelStatus.NEW if channel.active else ChannelStatus.DISABLED
    conversations.move_to_kind(uow, channel_id, kind=WHATSAPP_CLOUD, window_hours=gateway.kind.window_hours)
    conversations.queue_again(uow, channel_id)
    uow.emit(ChannelChanged(channel_id))
    return channel
