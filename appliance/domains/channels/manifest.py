from datetime import timedelta

from appliance.core.manifest import Cron, Gauge, Manifest, Subscription
from appliance.domains.channels import actions, jobs, queries, subscribers
from appliance.domains.channels.api import (
    MANAGE,
    READ,
    api,
    cloud_webhook,
    confirmations,
    first_words,
    leaving,
    letterbox,
    letters,
    links,
    mail_keys,
    mails,
    prices,
    reactions,
    templates,
    tracking,
    webchat,
)
from appliance.domains.channels.api.templates import READ as READ_TEMPLATES
from appliance.domains.channels.api.templates import WRITE as WRITE_TEMPLATES
from appliance.domains.channels.events import (
    ChannelChanged,
    LinkChanged,
    MailPosted,
    MediaAnnounced,
    TemplateChanged,
    TemplateQueued,
    TemplatesFetched,
    WebhooksAccepted,
)
from appliance.domains.contacts.events import ConfirmationWanted
from appliance.domains.conversations.events import MessageQueued

_ALL = ("owner", "admin", "manager", "rep", "agent", "read_only")

MANIFEST = Manifest(
    "channels",
    apis=(
        api, cloud_webhook, confirmations, first_words, leaving, letterbox, letters, links, mail_keys, mails, prices, reactions, templates,
        tracking, webchat,
    ),
    subscriptions=(
        Subscription(ChannelChanged, subscribers.tell_of_trouble),
        Subscription(WebhooksAccepted, subscribers.store_webhooks, queue="fast", takes_in=True),
        Subscription(MailPosted, subscribers.read_posted_mail, mode="staged", takes_in=True),
        Subscription(MessageQueued, subscribers.send_message, queue="fast", mode="staged"),
        Subscription(ConfirmationWanted, subscribers.ask_for_confirmation, mode="staged"),
        Subscription(MediaAnnounced, subscribers.fetch_media, mode="staged", takes_in=True),
        Subscription(TemplateQueued, subscribers.hand_in_template, mode="staged"),
    ),
    cron=(
        Cron("prune_rejected", jobs.prune_rejected, every=timedelta(hours=6)),
        Cron("fill_senders", actions.fill_senders, every=timedelta(minutes=10)),
        Cron("prune_letters", jobs.prune_letters, every=timedelta(hours=6)),
        Cron("prune_days", jobs.prune_days, every=timedelta(days=1)),
    ),
    permissions={READ: _ALL, MANAGE: ("owner", "admin"), READ_TEMPLATES: _ALL, WRITE_TEMPLATES: ("owner", "admin", "manager")},
    live={ChannelChanged: READ, LinkChanged: READ, TemplateChanged: READ_TEMPLATES, TemplatesFetched: READ_TEMPLATES},
    metrics=(Gauge("channels", "Channels in use, by their state.", ("kind", "status"), queries.count_states),),
    erasers=(actions.erase_contact,),
    clock_put_back=(actions.heed_put_back,),
    resuming=(actions.set_aside_stale,),
)
