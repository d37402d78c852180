"""A program that is to be told: where, in whose words, and how it fares."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.suspension import is_suspended
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.feeds import queries
from appliance.domains.feeds.schemas import FeedIn
from appliance.domains.feeds.tables import Feed, FeedItem

NOTED_EVERY = timedelta(seconds=60)


def set_feed(uow: UnitOfWork, channel_id: UUID, given: FeedIn) -> Feed:
    """Raises ChannelNotFound for a channel that is not linked by QR."""
    channels.get_link(uow, channel_id)
    events = _known(given)
    feed = queries.find_feed(uow, channel_id)
    if feed is None:
        feed = Feed(
            tenant_id=uow.tenant_id, channel_id=channel_id, shape=given.shape, secret=_new_secret(), headers={}, events=[],
            active=True, url="", by_events=False, with_files=False, problem="", created_at=uow.now,
        )  # fmt: skip
        uow.session.add(feed)
    if given.url != feed.url:
        feed.problem = ""
    feed.shape, feed.url, feed.active, feed.events, feed.with_files = given.shape, given.url, given.active, events, given.with_files
    uow.session.flush()
    return feed


def _known(given: FeedIn) -> list[str]:
    unknown = set(given.events) - set(queries.EVENTS[given.shape])
    if unknown:
        said = _("This box does not tell of: %(names)s.", names=", ".join(sorted(unknown)))
        raise Refused(said, fields={"events": said})
    return given.events


def renew_secret(uow: UnitOfWork, channel_id: UUID) -> Feed:
    """What is told from now on is signed with a new one."""
    feed = queries.lock_feed(uow, channel_id)
    feed.secret = _new_secret()
    return feed


def drop_feed(uow: UnitOfWork, channel_id: UUID) -> None:
    for table in (FeedItem, Feed):
        uow.session.execute(delete(table).where(table.channel_id == channel_id))


def switch_off(uow: UnitOfWork, channel_id: UUID, why: object) -> None:
    feed = queries.lock_feed(uow, channel_id)
    feed.active, feed.problem = False, told(why)


def note_told(uow: UnitOfWork, channel_id: UUID) -> None:
    """Once a minute is enough to be shown."""
    feed = queries.get_feed(uow, channel_id)
    if feed.problem or feed.told_at is None or uow.now - feed.told_at > NOTED_EVERY:
        feed.told_at, feed.problem = uow.now, ""


def note_trouble(uow: UnitOfWork, channel_id: UUID, why: object) -> None:
    queries.get_feed(uow, channel_id).problem = told(why)


def prune(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    is_told = ~is_suspended(uow, FeedItem.tenant_id)  # else it waits to be
    uow.session.execute(delete(FeedItem).where(FeedItem.happened_at < uow.now - kept_for, is_told))


def _new_secret() -> str:
    return f"feed_{secrets.token_urlsafe(32)}"
