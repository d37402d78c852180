from datetime import timedelta

from appliance.core.manifest import Cron, Manifest, Subscription
from appliance.domains.channels import actions, jobs, subscribers
from appliance.domains.channels.api import MANAGE, READ, api, leaving, links, webchat
from appliance.domains.channels.events import ChannelChanged, LinkChanged, MediaAnnounced, WebhooksAccepted
from appliance.domains.conversations.events import MessageQueued

MANIFEST = Manifest(
    "channels",
    apis=(api, leaving, links, webchat),
    subscriptions=(
        Subscription(WebhooksAccepted, subscribers.store_webhooks, queue="fast"),
        Subscription(MessageQueued, subscribers.send_message, queue="fast", mode="staged"),
        Subscription(MediaAnnounced, subscribers.fetch_media, mode="staged"),
    ),
    cron=(Cron("prune_rejected", jobs.prune_rejected, every=timedelta(hours=6)),),
    permissions={READ: ("owner", "admin", "manager", "rep", "agent", "read_only"), MANAGE: ("owner", "admin")},
    live={ChannelChanged: READ, LinkChanged: READ},
    erasers=(actions.erase_contact,),
)
