"""Who listens to a linked number, and what they are to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from appliance.core.clock import LOOK_BACK
from appliance.core.errors import NotFound
from appliance.core.ids import new_id
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.channels.types import LinkState
from appliance.domains.conversations import queries as conversations
from appliance.domains.feeds.errors import FeedNotFound, InstanceNotFound
from appliance.domains.feeds.queries.happenings import happening_of
from appliance.domains.feeds.rules import baileys, evolution, shapes
from appliance.domains.feeds.rules.evolution import Instance
from appliance.domains.feeds.tables import Feed, FeedItem
from appliance.domains.feeds.types import File, Hook, Shape, Told, What

LARGEST_FILE = 4 * 2**20
REPLAYED = 1000
EVENTS = {Shape.BAILEYS: baileys.EVENTS, Shape.EVOLUTION: evolution.EVENTS}


def find_feed(uow: UnitOfWork, channel_id: UUID) -> Feed | None:
    return uow.session.scalar(select(Feed).where(Feed.channel_id == channel_id))


def get_feed(uow: UnitOfWork, channel_id: UUID) -> Feed:
    return required(find_feed(uow, channel_id), FeedNotFound)


def lock_feed(uow: UnitOfWork, channel_id: UUID) -> Feed:
    return required(uow.session.scalar(locked(select(Feed).where(Feed.channel_id == channel_id))), FeedNotFound)


def get_instance(uow: UnitOfWork, name: str) -> Instance:
    """A linked number by its name or its id; of several of one name the oldest. Raises InstanceNotFound."""
    linked = channels.list_links(uow)
    found = next((pair for pair in linked if name in (pair[0].name, str(pair[0].id))), None)
    channel, link = required(found, InstanceNotFound)
    return Instance(channel.name, str(channel.id), _bare(link.jid or ""))


def instance_of(uow: UnitOfWork, channel_id: UUID) -> Instance:
    channel, link = channels.get_channel(uow, channel_id), channels.get_link(uow, channel_id)
    return Instance(channel.name, str(channel_id), _bare(link.jid or ""))


def hook_of(feed: Feed) -> Hook:
    return Hook(feed.id, feed.url, feed.secret, feed.headers)


@dataclass(frozen=True)
class Due:
    """What a program is to be told now, and where."""

    hook: Hook
    told: Told
    url: str
    waits_for_file: bool = False


def find_due(uow: UnitOfWork, item_id: UUID) -> Due | None:
    """None where nobody is to be told: no address, an event that is not wanted, a message that was erased."""
    item = uow.session.get(FeedItem, item_id)
    feed = find_feed(uow, item.channel_id) if item else None
    if item is None or feed is None or not feed.active or not feed.url:
        return None
    told = find_told(uow, feed, item)
    if told is None:
        return None
    url = evolution.address_for(feed.url, told.name, by_events=feed.by_events)
    return Due(hook_of(feed), told, url, feed.with_files and _waits_for_file(uow, item))


def find_told(uow: UnitOfWork, feed: Feed, item: FeedItem) -> Told | None:
    """What happened in the words of this program."""
    try:
        happening = happening_of(uow, item)
    except NotFound:  # erased meanwhile
        return None
    if happening is None or shapes.is_stale(happening, uow.now):
        return None
    instance = instance_of(uow, item.channel_id)
    wanted = {name: data for name, data in _events(feed, happening, instance).items() if not feed.events or name in feed.events}
    if not wanted:
        return None
    return _told(uow, feed, item.id, wanted, instance, _file_of(uow, item) if feed.with_files else None)


def _events(feed: Feed, happening: shapes.Happening, instance: Instance) -> dict[str, object]:
    """By name, in the words of this program."""
    return baileys.events_of(happening) if feed.shape is Shape.BAILEYS else evolution.events_of(happening, instance)


def _told(
    uow: UnitOfWork, feed: Feed, item_id: UUID, events: Mapping[str, object], instance: Instance, file: File | None = None
) -> Told:
    name = next(iter(events))
    about = {"salesedge": {"id": str(item_id), "channel_id": instance.id}}
    if feed.shape is Shape.BAILEYS:
        return Told(item_id, name, {**events, **about}, file)
    body = evolution.envelope(name, events[name], instance, url=feed.url, at=uow.now, server_url=uow.box.settings.public_url)
    return Told(item_id, name, {**body, **about}, file)


def get_trial(uow: UnitOfWork, channel_id: UUID) -> Due:
    """How the link stands now, as it would be told. Raises FeedNotFound."""
    feed, instance = get_feed(uow, channel_id), instance_of(uow, channel_id)
    if not feed.url:
        raise FeedNotFound
    state = LinkState.OPEN if channels.get_link(uow, channel_id).state is LinkState.OPEN else LinkState.CLOSED
    happening = shapes.Connection(state, uow.now)
    told = _told(uow, feed, new_id(), _events(feed, happening, instance), instance)
    return Due(hook_of(feed), told, evolution.address_for(feed.url, told.name, by_events=feed.by_events))


def list_after(uow: UnitOfWork, channel_id: UUID, after: UUID) -> Sequence[FeedItem]:
    """What happened after that item, with the last seconds before it once more: those may have been committed late."""
    own = select(FeedItem).where(FeedItem.channel_id == channel_id)
    seen = uow.session.scalar(own.where(FeedItem.id == after))
    if seen is None:
        return []
    later = own.where(FeedItem.id != after, FeedItem.happened_at > seen.happened_at - LOOK_BACK)
    return uow.session.scalars(later.order_by(FeedItem.id).limit(REPLAYED)).all()


def find_told_by_id(uow: UnitOfWork, item_id: UUID) -> Told | None:
    """For who listens on the socket; None where nobody does any more, or it is not wanted."""
    item = uow.session.get(FeedItem, item_id)
    feed = find_feed(uow, item.channel_id) if item else None
    return find_told(uow, feed, item) if item and feed and feed.active else None


def _file_of(uow: UnitOfWork, item: FeedItem) -> File | None:
    media = _media_of(uow, item)
    if not media.get("blob_id") or int(str(media.get("size") or 0)) > LARGEST_FILE:
        return None
    return File(UUID(str(media["blob_id"])), int(str(media.get("size") or 0)))


def _waits_for_file(uow: UnitOfWork, item: FeedItem) -> bool:
    media = _media_of(uow, item)
    return bool(media.get("provider_id")) and not media.get("blob_id") and not media.get("error")


def _media_of(uow: UnitOfWork, item: FeedItem) -> dict[str, object]:
    if item.what is not What.SAID or item.message_id is None:
        return {}
    return dict(conversations.get_message(uow, item.message_id).content.get("media", {}))


def _bare(jid: str) -> str:
    """Without the number of our device."""
    user, at, server = jid.partition("@")
    return f"{user.partition(':')[0]}{at}{server}"
