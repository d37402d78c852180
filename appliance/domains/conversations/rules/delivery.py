"""The life of an outbound message: queued → sending → sent → delivered → read, or failed, unconfirmed, cancelled."""

from datetime import datetime, timedelta

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.conversations.errors import WindowClosed
from appliance.domains.conversations.types import MessageKind, MessageStatus

# Providers report late, twice and out of order; a status only ever moves to the right.
_PROGRESS = (
    MessageStatus.QUEUED,
    MessageStatus.SENDING,
    MessageStatus.UNCONFIRMED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
)
_RANK = {status: rank for rank, status in enumerate(_PROGRESS)}
RETRIABLE = frozenset({MessageStatus.FAILED, MessageStatus.UNCONFIRMED})


def is_progress(now: MessageStatus, reported: MessageStatus) -> bool:
    """Whether a provider's report moves the message on. Nothing that reached the contact can fail afterwards."""
    if reported is MessageStatus.FAILED:
        return now not in {MessageStatus.FAILED, MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.CANCELLED}
    if now in {MessageStatus.FAILED, MessageStatus.CANCELLED}:
        return reported in {MessageStatus.DELIVERED, MessageStatus.READ}
    return reported in _RANK and _RANK[reported] > _RANK[now]


def is_window_open(*, last_inbound_at: datetime | None, window_hours: int | None, now: datetime) -> bool:
    if window_hours is None:
        return True
    return last_inbound_at is not None and now - last_inbound_at < timedelta(hours=window_hours)


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
