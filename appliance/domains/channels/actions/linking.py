"""The life of a link: signed for, asked for, opened, closed, ended. What people ask is kept here; the supervisor of sessions does it."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.backoff import chance
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.suspension import is_suspended_now
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.events import ChannelChanged, LinkChanged
from appliance.domains.channels.rules import linking, warming
from appliance.domains.channels.tables import Channel, WhatsappDay, WhatsappGroup, WhatsappSession
from appliance.domains.channels.types import RISK_VERSION, ChannelStatus, Ending, LinkState
from appliance.domains.conversations import actions as conversations


def add_link(uow: UnitOfWork, channel_id: UUID) -> None:
    link = WhatsappSession(
        tenant_id=uow.tenant_id, channel_id=channel_id, wanted=False, state=LinkState.NEW,
        last_error="", attempts=0, qr_number=0, qr_seconds=0,
    )  # fmt: skip
    uow.session.add(link)
    uow.session.flush()


def drop_link(uow: UnitOfWork, channel_id: UUID) -> None:
    """Raises Conflict while a phone believes in it, or is being told."""
    link = uow.session.scalar(locked(select(WhatsappSession).where(WhatsappSession.channel_id == channel_id)))
    if link is not None and link.is_linked:
        raise Conflict(_("Unlink the number first."))
    for table in (WhatsappSession, WhatsappDay, WhatsappGroup):
        uow.session.execute(delete(table).where(table.channel_id == channel_id))


def accept_risk(uow: UnitOfWork, channel_id: UUID, version: int) -> WhatsappSession:
    """Signed by the person who acts. `version` is that of the text they read."""
    link = queries.lock_link(uow, channel_id)
    if version != RISK_VERSION:
        raise Conflict(_("The text about the risk has changed. Read it again."))
    if link.accepted_version != version:
        link.accepted_by_id, link.accepted_by, link.accepted_at, link.accepted_version = uow.actor.id, uow.actor.name, uow.now, version
        uow.emit(LinkChanged(channel_id))
    return link


def begin_link(uow: UnitOfWork, channel_id: UUID, *, phone: str = "") -> WhatsappSession:
    """Open it, by a QR where the number is not linked yet; with `phone` (digits, with the country) by a code typed on that phone."""
    link = queries.lock_link(uow, channel_id)
    if link.accepted_version != RISK_VERSION:
        raise Refused(_("Somebody has to accept the risk of a link that is not official before a number is linked."))
    if not queries.get_channel(uow, channel_id).active:
        raise Conflict(_("This channel is switched off. Switch it on first."))
    if link.state is LinkState.OPEN:
        return link
    _forget_codes(link)
    link.wanted, link.asked_at, link.leave_by = True, uow.now, None
    link.ending, link.code, link.attempts, link.retry_at = None, None, 0, None
    link.state, link.last_error, link.pairing_phone = LinkState.CONNECTING, "", phone or None
    _clear_trouble(uow, channel_id)
    uow.emit(LinkChanged(channel_id))
    return link


def unlink(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    """Its keys go once the phone was told, or could not be for a day."""
    link = queries.lock_link(uow, channel_id)
    if link.leaving:
        return link
    link.leave_by = uow.now + linking.LEAVE_FOR if link.is_linked else None
    link.attempts = 0
    end_link(uow, channel_id, Ending.UNLINKED)
    return link


def put_off_leaving(uow: UnitOfWork, channel_id: UUID, reason: object, *, attempt: int, retry_at: datetime) -> bool:
    """The phone could not be told now. False when it is not tried again."""
    link = queries.lock_link(uow, channel_id)
    if link.leave_by is None:
        return False
    if retry_at > link.leave_by:
        leave_untold(uow, channel_id)
        return False
    link.attempts, link.retry_at, link.last_error = attempt, retry_at, told(reason)
    uow.emit(LinkChanged(channel_id))
    return True


def leave_untold(uow: UnitOfWork, channel_id: UUID) -> WhatsappSession:
    """The keys go now; somebody has to take the box off the phone's list by hand. Raises Conflict when it was not unlinked."""
    link = queries.lock_link(uow, channel_id)
    if not link.leaving:
        raise Conflict(_("Unlink the number first."))
    end_link(uow, channel_id, Ending.UNTOLD)
    forget_keys(uow, channel_id)
    return link


def forget_keys(uow: UnitOfWork, channel_id: UUID) -> None:
    link = queries.lock_link(uow, channel_id)
    link.store = link.stored_at = link.linked_at = link.connected_at = link.jid = link.lid = None
    link.leave_by = link.retry_at = None
    uow.emit(LinkChanged(channel_id))


def keep_store(uow: UnitOfWork, channel_id: UUID, store: str) -> None:
    link = queries.lock_link(uow, channel_id)
    link.store, link.stored_at = store, uow.now


def show_connecting(uow: UnitOfWork, channel_id: UUID) -> None:
    _show(uow, channel_id, LinkState.CONNECTING)


def show_qr(uow: UnitOfWork, channel_id: UUID, code: str, seconds: int) -> None:
    link = _show(uow, channel_id, LinkState.QR)
    link.qr, link.qr_number, link.qr_seconds = code, link.qr_number + 1, seconds
    link.qr_until = uow.now + timedelta(seconds=seconds)


def show_pairing(uow: UnitOfWork, channel_id: UUID, code: str) -> None:
    link = _show(uow, channel_id, LinkState.PAIRING)
    link.pairing_code, link.qr = code, None
    link.qr_until = uow.now + linking.PAIRING_DEADLINE


def note_open(uow: UnitOfWork, channel_id: UUID, *, jid: str, lid: str, push_name: str) -> None:
    """From now on it sends: what waited goes, in order."""
    link = _show(uow, channel_id, LinkState.OPEN)
    if link.connected_at is not None:
        count(uow, channel_id, reconnects=1)
    _forget_codes(link)
    link.jid, link.lid, link.push_name = jid, lid or None, push_name or link.push_name
    link.linked_at, link.connected_at, link.seen_at = link.linked_at or uow.now, uow.now, uow.now
    link.attempts, link.retry_at, link.code, link.ending, link.last_error = 0, None, None, None, ""
    channel = _clear_trouble(uow, channel_id)
    channel.verified_at, channel.status = uow.now, ChannelStatus.CONNECTED
    conversations.queue_again(uow, channel_id)


def note_closed(uow: UnitOfWork, channel_id: UUID, code: int, reason: object, *, attempt: int, retry_at: datetime | None) -> None:
    """It is tried again at `retry_at`; None: the library does so by itself."""
    link = queries.lock_link(uow, channel_id)
    if link.state is LinkState.OPEN:
        link.seen_at = uow.now
    _show(uow, channel_id, LinkState.CLOSED)
    link.code, link.last_error, link.attempts, link.retry_at = code or None, told(reason), attempt, retry_at
    if link.is_linked and attempt >= linking.LONG_GONE:
        _fail_channel(uow, channel_id, linking.UNREACHED)


def note_stopped(uow: UnitOfWork, channel_id: UUID) -> None:
    """Nobody watches over it for now: the box stops, the channel was switched off, or the organisation is suspended, which it says."""
    link = queries.lock_link(uow, channel_id)
    if link.wanted:
        _forget_codes(link)
        link.state, link.retry_at = LinkState.CLOSED, None
        link.last_error = told(linking.SUSPENDED) if is_suspended_now(uow) else link.last_error
        uow.emit(LinkChanged(channel_id, link.state))


def note_alive(uow: UnitOfWork, channel_id: UUID) -> None:
    """What waited because nothing was heard for long goes now."""
    link = queries.lock_link(uow, channel_id)
    was_shut = queries.is_shut(uow, channel_id)
    link.seen_at = uow.now
    if was_shut and link.state is LinkState.OPEN:
        conversations.queue_again(uow, channel_id)


def end_link(
    uow: UnitOfWork, channel_id: UUID, ending: Ending, *, code: int = 0, reason: object = "", until: datetime | None = None
) -> None:
    """Nobody tries any more; the channel says why, and from when on a person may. Nothing that waits is lost."""
    states = {Ending.BANNED: LinkState.BANNED, Ending.LOGGED_OUT: LinkState.LOGGED_OUT}
    link = _show(uow, channel_id, states.get(ending, LinkState.CLOSED))
    _forget_codes(link)
    link.wanted, link.ending, link.code, link.last_error, link.retry_at = False, ending, code or None, told(reason), until
    if link.is_linked or ending not in (Ending.EXPIRED, Ending.UNLINKED):  # what was never linked lost nothing
        _fail_channel(uow, channel_id, linking.SENTENCES[ending])


def take_turn(uow: UnitOfWork, channel: Channel) -> datetime:
    """When the next message of a linked number may leave. `channel` is held."""
    def taken_on(day: date) -> int:
        found = queries.find_day(uow, channel.id, day)
        return found.sent if found else 0

    at, channel.next_slot_at = warming.next_turn(
        queries.get_pace(uow, channel), taken_on=taken_on, free_at=channel.next_slot_at, now=uow.now, chance=chance(),
    )  # fmt: skip
    _count_on(uow, channel.id, at.date(), sent=1)
    return at


def count(
    uow: UnitOfWork, channel_id: UUID, *, received: int = 0, refused: int = 0, reconnects: int = 0, left_out: int = 0
) -> None:
    _count_on(uow, channel_id, uow.now.date(), received=received, refused=refused, reconnects=reconnects, left_out=left_out)


def _count_on(uow: UnitOfWork, channel_id: UUID, day: date, **more: int) -> None:
    """A message counts for the day on which its turn is."""
    blank = {"sent": 0, "received": 0, "refused": 0, "reconnects": 0, "left_out": 0}
    insert_if_absent(uow, WhatsappDay, {"id": new_id(), "tenant_id": uow.tenant_id, "channel_id": channel_id, "day": day, **blank})
    row = queries.find_day(uow, channel_id, day)
    assert row is not None
    for name, number in more.items():
        setattr(row, name, getattr(row, name) + number)
    uow.session.flush()


def prune_days(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    """What no meter reads any more, of all organisations; needs the box scope."""
    uow.session.execute(delete(WhatsappDay).where(WhatsappDay.day < (uow.now - kept_for).date()))


def _show(uow: UnitOfWork, channel_id: UUID, state: LinkState) -> WhatsappSession:
    link = queries.lock_link(uow, channel_id)
    link.state = state
    uow.emit(LinkChanged(channel_id, state))
    return link


def _forget_codes(link: WhatsappSession) -> None:
    link.qr = link.qr_until = link.pairing_code = link.pairing_phone = None
    link.qr_number = link.qr_seconds = 0


def _fail_channel(uow: UnitOfWork, channel_id: UUID, why: object) -> None:
    channel, detail = queries.lock_channel(uow, channel_id), told(why)
    if (channel.status, channel.status_detail) != (ChannelStatus.FAILING, detail):
        channel.status, channel.status_detail = ChannelStatus.FAILING, detail
        uow.emit(ChannelChanged(channel_id))


def _clear_trouble(uow: UnitOfWork, channel_id: UUID) -> Channel:
    channel = queries.lock_channel(uow, channel_id)
    channel.failures, channel.paused_until, channel.status_detail = 0, None, ""
    if channel.status is ChannelStatus.FAILING:
        channel.status = ChannelStatus.NEW
    uow.emit(ChannelChanged(channel_id))
    return channel
