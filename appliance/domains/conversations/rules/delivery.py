"""The life of an outbound message: queued → sending → sent → delivered → read → played, or failed, unconfirmed, cancelled."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.conversations.errors import WindowClosed
from appliance.domains.conversations.types import MessageKind, MessageStatus, Wait

# Providers report late, twice and out of order; a status only ever moves to the right.
_PROGRESS = (
    MessageStatus.QUEUED,
    MessageStatus.SENDING,
    MessageStatus.UNCONFIRMED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
    MessageStatus.PLAYED,
)
_RANK = {status: rank for rank, status in enumerate(_PROGRESS)}
REACHED = frozenset({MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.PLAYED})
MOST_BEHIND = timedelta(days=2)  # of a clock: what a provider says of later than that is nonsense
RETRIABLE = frozenset({MessageStatus.FAILED, MessageStatus.UNCONFIRMED})
WAITS: Mapping[Wait, LazyProxy] = {
    Wait.NOT_CONNECTED: _("The number is not connected. It goes once the number is linked again."),
    Wait.DAILY_LIMIT: _("The number has sent as much as it should in one day."),
    Wait.PACE: _("The channel sends one message after the other."),
    Wait.CHANNEL_RESTS: _("The channel did not answer several times, so it rests for a moment."),
}


def is_progress(now: MessageStatus, reported: MessageStatus) -> bool:
    """Whether a provider's report moves the message on. Nothing that reached the contact can fail afterwards."""
    if reported is MessageStatus.FAILED:
        return now not in {MessageStatus.FAILED, MessageStatus.CANCELLED, *REACHED}
    if now in {MessageStatus.FAILED, MessageStatus.CANCELLED}:
        return reported in REACHED
    return reported in _RANK and _RANK[reported] > _RANK[now]


def window_closes_at(*, last_inbound_at: datetime | None, window_hours: int | None) -> datetime | None:
    """None where there is no window, or nobody wrote who opens it."""
    return None if window_hours is None or last_inbound_at is None else last_inbound_at + timedelta(hours=window_hours)


def is_window_open(*, last_inbound_at: datetime | None, window_hours: int | None, now: datetime) -> bool:
    closes_at = window_closes_at(last_inbound_at=last_inbound_at, window_hours=window_hours)
    return window_hours is None or (closes_at is not None and now < closes_at)


def check_window(kind: MessageKind, *, last_inbound_at: datetime | None, window_hours: int | None, now: datetime) -> None:
    """Raises WindowClosed unless the message is a template, which is always allowed."""
    if kind is MessageKind.TEMPLATE or is_window_open(last_inbound_at=last_inbound_at, window_hours=window_hours, now=now):
        return
    raise WindowClosed(
        _(
            "The contact wrote more than %(hours)s hours ago, so this channel only accepts an approved template now.",
            hours=window_hours,
        )
    )
