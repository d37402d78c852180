from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from babel.support import LazyProxy
from sqlalchemy import ColumnElement, and_, func, or_, select

from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.suspension import is_suspended, is_suspended_now
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.agents import queries as agents
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.gateways.qr import asking
from appliance.domains.channels.rules import risk, warming
from appliance.domains.channels.rules.linking import LONGEST_SILENCE, SENTENCES
from appliance.domains.channels.tables import Channel, Mailbox, RejectedEvent, WhatsappDay, WhatsappSession
from appliance.domains.channels.types import (
    EMAIL,
    RISK_VERSION,
    WEBCHAT,
    WHATSAPP_QR,
    Account,
    ChannelStatus,
    Ending,
    Factor,
    Kind,
    LinkState,
)


def get_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    return required(uow.session.get(Channel, channel_id), ChannelNotFound)


def lock_channel(uow: UnitOfWork, channel_id: UUID) -> Channel:
    return required(uow.session.scalar(locked(select(Channel).where(Channel.id == channel_id))), ChannelNotFound)


def list_page(uow: UnitOfWork, query: PageQuery) -> Page[Channel]:
    return read_page(uow, select(Channel).order_by(Channel.created_at, Channel.id), query)


def list_channels(uow: UnitOfWork) -> Sequence[Channel]:
    """All there are, for choices and names; what people page through is `list_page`."""
    return uow.session.scalars(select(Channel).order_by(Channel.created_at).limit(500)).all()


def count_states(uow: UnitOfWork) -> dict[tuple[str, ...], int]:
    """Of the whole box: those in use, by kind and state."""
    found = select(Channel.kind, Channel.status, func.count()).where(Channel.active.is_(True)).group_by(Channel.kind, Channel.status)
    return {(kind, status.value): number for kind, status, number in uow.session.execute(found)}


def list_failing(uow: UnitOfWork, *, limit: int) -> Sequence[Channel]:
    """Those in use that somebody has to look after: `status_detail` says why."""
    failing = select(Channel).where(Channel.status == ChannelStatus.FAILING, Channel.active.is_(True))
    return uow.session.scalars(failing.order_by(Channel.created_at).limit(limit)).all()


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


def get_mailbox(uow: UnitOfWork, channel_id: UUID) -> Channel:
    """One that may send. Raises ChannelNotFound, Refused."""
    found = get_channel(uow, channel_id)
    if found.kind != EMAIL or not found.active:
        sentence = _("Choose a mailbox that is switched on.")
        raise Refused(sentence, fields={"channel_id": sentence})
    return found


def list_mailboxes(uow: UnitOfWork, *, limit: int = 100) -> Sequence[Channel]:
    """Those that may send."""
    own = select(Channel).where(Channel.kind == EMAIL, Channel.active.is_(True))
    return uow.session.scalars(own.order_by(Channel.created_at).limit(limit)).all()


def get_chat(uow: UnitOfWork, key: str) -> Channel:
    """The web chat with this public key; for a stranger it needs the box scope. Raises ChannelNotFound."""
    return required(uow.session.scalar(select(Channel).where(Channel.kind == WEBCHAT, Channel.external_id == key)), ChannelNotFound)


def is_chat_open(uow: UnitOfWork, channel: Channel) -> bool:
    """Whether visitors may write; for a stranger it needs the box scope."""
    return channel.active and not is_suspended_now(uow, channel.tenant_id)


def list_read(uow: UnitOfWork) -> list[Account]:
    """The mailboxes whose mail is fetched, of all organisations that are not suspended; needs the box scope."""
    own = select(Channel).where(Channel.kind == EMAIL, Channel.active.is_(True), ~is_suspended(uow, Channel.tenant_id)).limit(10_000)
    return [get_account(uow, one.id) for one in uow.session.scalars(own).all() if one.config["imap_host"]]


def kind_of(name: str) -> Kind:
    return gateway_of(name).kind


def list_rejected(uow: UnitOfWork, query: PageQuery) -> Page[RejectedEvent]:
    return read_page(uow, select(RejectedEvent).order_by(RejectedEvent.received_at.desc(), RejectedEvent.id.desc()), query)


def get_link(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    return required(uow.session.scalar(select(WhatsappSession).where(WhatsappSession.channel_id == channel_id)), ChannelNotFound)


def lock_link(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    held = uow.session.scalar(locked(select(WhatsappSession).where(WhatsappSession.channel_id == channel_id)))
    return required(held, ChannelNotFound)


def list_links(uow: UnitOfWork, *only: ColumnElement[bool]) -> Sequence[tuple[Channel, WhatsappSession]]:
    joined = select(Channel, WhatsappSession).join(WhatsappSession, WhatsappSession.channel_id == Channel.id).where(*only)
    return [(channel, link) for channel, link in uow.session.execute(joined.order_by(Channel.created_at).limit(500))]


def list_links_of_agent(uow: UnitOfWork, agent_id: UUID) -> Sequence[tuple[Channel, WhatsappSession]]:
    """Raises AgentNotFound."""
    agents.get_agent(uow, agent_id)
    return list_links(uow, Channel.agent_id == agent_id)


def get_link_of_agent(uow: UnitOfWork, agent_id: UUID, channel_id: UUID) -> WhatsappSession:
    found = next((link for channel, link in list_links_of_agent(uow, agent_id) if channel.id == channel_id), None)
    return required(found, ChannelNotFound)


def list_watched(uow: UnitOfWork) -> list[tuple[WhatsappSession, Mapping[str, Any]]]:
    """What needs a child now, of all organisations, with its channel's settings: to be kept open with the risk signed, or to be
    taken leave of. Of one that is suspended none is kept open. Needs the box scope.
    """
    is_kept = and_(WhatsappSession.wanted, Channel.active, WhatsappSession.accepted_version == RISK_VERSION)
    is_kept = and_(is_kept, ~is_suspended(uow, WhatsappSession.tenant_id))
    joined = select(WhatsappSession, Channel.config).join(Channel, Channel.id == WhatsappSession.channel_id)
    found = uow.session.execute(joined.where(or_(is_kept, WhatsappSession.leave_by.is_not(None))).limit(10_000))
    return [(link, config) for link, config in found]


def is_shut(uow: UnitOfWork, channel_id: UUID) -> bool:
    """A linked number whose link is not open, or of which nobody heard for a while: what is to be sent by it waits."""
    if get_channel(uow, channel_id).kind != WHATSAPP_QR:
        return False
    link = get_link(uow, channel_id)
    return link.state is not LinkState.OPEN or link.seen_at is None or link.seen_at < uow.now - LONGEST_SILENCE


def is_down(uow: UnitOfWork, channel_id: UUID) -> bool:
    """It stopped working, and nobody wanted that."""
    channel = uow.session.get(Channel, channel_id)
    if channel is None or channel.status is not ChannelStatus.FAILING:
        return False
    return channel.kind != WHATSAPP_QR or get_link(uow, channel_id).ending is not Ending.UNLINKED


def explain(ending: Ending) -> LazyProxy:
    """Why a link ended, and what to do."""
    return SENTENCES[ending]


def nudge_sessions(box: Box) -> bool:
    """Whoever watches over links looks now. False when nobody does."""
    return asking.nudge(asking.address(box.settings))


@dataclass(frozen=True)
class Meter:
    """How much a linked number may do, what it did, and how risky that is."""

    pace: warming.Pace
    week: risk.Week
    readings: list[risk.Reading]

    @property
    def total(self) -> int:
        return risk.total(self.readings)

    @property
    def level(self) -> str:
        return risk.level_of(self.total)

    @property
    def advice(self) -> list[Factor]:
        return risk.advice(self.readings)


def get_pace(uow: UnitOfWork, channel: Channel) -> warming.Pace:
    linked_at = get_link(uow, channel.id).linked_at or uow.now
    return warming.pace_of(uow.now - linked_at, int(channel.config.get("daily_limit", 0)))


def find_day(uow: UnitOfWork, channel_id: UUID, day: date) -> WhatsappDay | None:
    """What was done that day; of a day to come, the turns that are given out."""
    own = WhatsappDay.channel_id == channel_id, WhatsappDay.day == day
    return uow.session.scalar(select(WhatsappDay).where(*own))


def get_meter(uow: UnitOfWork, channel_id: UUID) -> Meter:
    channel = get_channel(uow, channel_id)
    link, pace = get_link(uow, channel_id), get_pace(uow, channel)
    until = uow.now.date()
    own = select(WhatsappDay).where(WhatsappDay.channel_id == channel_id, WhatsappDay.day.between(until - timedelta(days=6), until))
    days = uow.session.scalars(own.limit(7)).all()
    today = next((day for day in days if day.day == until), None)
    age = (uow.now - link.linked_at).days if link.linked_at else 0
    week = risk.Week(
        age, today.sent if today else 0, pace.per_day, sent=sum(day.sent for day in days), received=sum(day.received for day in days),
        refused=sum(day.refused for day in days), reconnects_today=today.reconnects if today else 0,
        left_out=sum(day.left_out for day in days),
    )  # fmt: skip
    return Meter(pace, week, risk.readings(week))


def find_mailbox(uow: UnitOfWork, channel_id: UUID) -> Mailbox | None:
    """How far it is read; None before the first look."""
    return uow.session.scalar(select(Mailbox).where(Mailbox.channel_id == channel_id))
