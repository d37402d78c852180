"""What a channel remembers of its sending: when the next message may leave, and when to stop trying for a while."""

from datetime import datetime, timedelta
from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.rows import bring_forward
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions import linking
from appliance.domains.channels.actions.telling import tell_all_failed
from appliance.domains.channels.events import ChannelChanged
from appliance.domains.channels.rules import pacing
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import STALE
from appliance.domains.identity import queries as identity

WAITED_SUSPENDED = _("The organisation was suspended, and this waited for more than a day. Send it again if it is still right.")


def take_turn(uow: UnitOfWork, channel_id: UUID) -> datetime:
    """When the next message may leave. A turn is given out once, in order of asking."""
    known = queries.get_channel(uow, channel_id)
    if queries.kind_of(known.kind).linked:
        return linking.take_turn(uow, queries.lock_channel(uow, channel_id))
    if not known.per_second:
        return uow.now
    channel = queries.lock_channel(uow, channel_id)
    slot = pacing.next_slot(free_at=channel.next_slot_at, per_second=channel.per_second or 1.0, now=uow.now)
    channel.next_slot_at = slot.next_at
    return slot.at


def note_success(uow: UnitOfWork, channel_id: UUID) -> None:
    if not _is_clean(queries.get_channel(uow, channel_id)):
        channel = queries.lock_channel(uow, channel_id)
        channel.failures, channel.paused_until, channel.status_detail = 0, None, ""
        channel.status = _healthy(channel)
        uow.emit(ChannelChanged(channel.id))


def _is_clean(channel: Channel) -> bool:
    return channel.failures == 0 and channel.paused_until is None and channel.status is _healthy(channel)


def _healthy(channel: Channel) -> ChannelStatus:
    return ChannelStatus.NEW if queries.is_deaf(channel) else ChannelStatus.CONNECTED


def note_failure(uow: UnitOfWork, channel_id: UUID, detail: object) -> None:
    """The provider was away. After several times in a row the channel rests, so that it is not hammered."""
    channel = queries.lock_channel(uow, channel_id)
    channel.failures += 1
    channel.paused_until = pacing.pause_after(channel.failures, uow.now)
    channel.status_detail = told(detail)
    if channel.paused_until is not None:
        channel.status = ChannelStatus.FAILING
        uow.emit(ChannelChanged(channel.id))


def set_aside_stale(uow: UnitOfWork) -> None:
    """The organisation is resumed: what it kept waiting for more than a day is not sent by itself any more; a person may."""
    since = identity.get_tenant(uow).suspended_at
    if since is None or since > uow.now - STALE:
        return
    tell_all_failed(uow, conversations.fail_stale(uow, code="suspended", error=WAITED_SUSPENDED))


def note_refusal(uow: UnitOfWork, channel_id: UUID, detail: object) -> None:
    """Nothing leaves by this channel until somebody mends what `detail` says. It does not rest: what is mended works at once."""
    channel = queries.lock_channel(uow, channel_id)
    channel.status, channel.status_detail = ChannelStatus.FAILING, told(detail)
    uow.emit(ChannelChanged(channel.id))


def note_refused_message(uow: UnitOfWork, channel_id: UUID) -> None:
    """For a linked number that is a sign of trouble to come."""
    if queries.kind_of(queries.get_channel(uow, channel_id).kind).linked:
        linking.count(uow, channel_id, refused=1)


def heed_put_back(uow: UnitOfWork, by: timedelta) -> None:
    """Turns and rests of before lie too far ahead."""
    for moment in (Channel.next_slot_at, Channel.paused_until):
        bring_forward(uow, moment, by)
