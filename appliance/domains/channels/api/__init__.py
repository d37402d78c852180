"""Routes of the channels. The address Meta calls is answered in `entrypoints.webhooks`."""

from appliance.domains.channels.api.channels import MANAGE, READ, api
from appliance.domains.channels.api.cloud_webhook import cloud_webhook
from appliance.domains.channels.api.confirming import confirmations
from appliance.domains.channels.api.leaving import leaving
from appliance.domains.channels.api.links import links
from appliance.domains.channels.api.mail_keys import mail_keys
from appliance.domains.channels.api.mails import mails
from appliance.domains.channels.api.posting import letterbox, letters
from appliance.domains.channels.api.prices import prices
from appliance.domains.channels.api.templates import templates
from appliance.domains.channels.api.tracking import tracking
from appliance.domains.channels.api.webchat import webchat
from appliance.domains.channels.api.writing import first_words, reactions

__all__ = [
    "MANAGE",
    "READ",
    "api",
    "cloud_webhook",
    "confirmations",
    "first_words",
    "leaving",
    "letterbox",
    "letters",
    "links",
    "mail_keys",
    "mails",
    "prices",
    "reactions",
    "templates",
    "tracking",
    "webchat",
]
