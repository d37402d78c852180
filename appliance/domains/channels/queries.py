from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from appliance.core.paging import read_page
from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.tables import Channel, RejectedEvent
from appliance.domains.channels.types import Account, ChannelKind, Doorway


def get_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    channel = uow.session.get(Channel, channel_id)
    if channel is None:
        raise ChannelNotFound
    return channel


def lock_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    channel = uow.session.scalar(locked(select(Channel).where(Channel.id == channel_id)))
    if channel is None:
        raise ChannelNotFound
    return channel


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
    return Account(channel.id, channel.tenant_id, channel.kind, channel.external_id, channel.secrets)


def find_doorway(uow: UnitOfWork, channel_id: UUID) -> Doorway | None:
    row = uow.session.get(Channel, channel_id)
    return None if row is None else _doorway(row)


def _doorway(row: Channel) -> Doorway:
    return Doorway(row.id, row.tenant_id, row.external_id, row.secrets.get("app_secret", ""), row.agent_id)


def list_doorways(uow: UnitOfWork) -> list[Doorway]:
    """Every number of the box that a webhook may be about; needs the box scope."""
    rows = uow.session.scalars(select(Channel).where(Channel.kind == ChannelKind.WHATSAPP_CLOUD).limit(10_000))
    return [_doorway(row) for row in rows]


def list_verify_tokens(uow: UnitOfWork) -> dict[str, list[Channel]]:
    """Channels by the token Meta must show; needs the box scope."""
    found: dict[str, list[Channel]] = {}
    for row in uow.session.scalars(select(Channel).where(Channel.kind == ChannelKind.WHATSAPP_CLOUD).limit(10_000)):
        token = row.secrets.get("verify_token", "")
        if token:
            found.setdefault(token, []).append(row)
    return found


def list_rejected(uow: UnitOfWork, query: PageQuery) -> Page[RejectedEvent]:
    return read_page(uow, select(RejectedEvent).order_by(RejectedEvent.received_at.desc(), RejectedEvent.id.desc()), query)
