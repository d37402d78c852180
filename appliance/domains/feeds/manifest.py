from datetime import timedelta

from appliance.core.manifest import Cron, Manifest, Subscription
from appliance.domains.channels.events import ChannelChanged, LinkChanged, LinkedMessageMoved
from appliance.domains.feeds import jobs, subscribers
from appliance.domains.feeds.api import evolution, feeds
from appliance.domains.feeds.api.feeds import LISTEN
from appliance.domains.feeds.events import FeedItemKept

MANIFEST = Manifest(
    "feeds",
    apis=(feeds, evolution),
    subscriptions=(
        Subscription(LinkChanged, subscribers.keep_link, queue="fast"),
        Subscription(LinkedMessageMoved, subscribers.keep_message, queue="fast"),
        Subscription(ChannelChanged, subscribers.forget_deleted),
        Subscription(FeedItemKept, subscribers.tell_program, mode="staged"),
    ),
    cron=(Cron("prune_items", jobs.prune_items, every=timedelta(hours=6)),),
    permissions={LISTEN: ("owner", "admin")},
    live={FeedItemKept: LISTEN},
)
