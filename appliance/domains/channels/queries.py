from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.tables import Channel, RejectedEvent
from appliance.domains.channels.types import Account, Kind


def get_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    return required(uow.session.get(Channel, channel_id), ChannelNotFound)


def lock_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    return required(uow.session.scalar(locked(select(Channel).where(Channel.id == channel_id))), ChannelNotFound)


def list_page(uow: UnitOfWork, query: PageQuery) -> Page[Channel]:
    return read_page(uow, select(Channel).order_by(Channel.created_at, Channel.id), query)


def list_channels(uow: UnitOfWork) -> Sequence[Channel]:
    """All there are, for choices and names; what people page through is `list_page`."""
    return uow.session.scalars(select(Channel).order_by(Channel.created_at).limit(500)).all()


def find_pause(uow: UnitOfWork, channel_id: UUID) -> datetime | None:
    """Until when the channel rests; None when it may speak."""
    until = get_channel(uow, channel_id).paused_until
    return until if until is not None and until > uow.now else None


def get_account(uow: UnitOfWork, channel_id: UUID) -> Account:
    channel = get_channel(uow, channel_id)
    return Account(channel.id, channel.tenant_id, channel.kind, channel.external_id, channel.config, channel.secrets)


def list_of_kind(uow: UnitOfWork, kind: str) -> Sequence[Channel]:
    """Of all organisations; needs the box scope."""
    return uow.session.scalars(select(Channel).where(Channel.kind == kind).limit(10_000)).all()


def kind_of(name: str) -> Kind:
    return gateway_of(name).kind


def list_rejected(uow: UnitOfWork, query: PageQuery) -> Page[RejectedEvent]:
    return read_page(uow, select(RejectedEvent).order_by(RejectedEvent.received_at.desc(), RejectedEvent.id.desc()), query)
