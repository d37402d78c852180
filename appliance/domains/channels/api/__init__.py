"""Routes of the channels. The address Meta calls is answered in `entrypoints.webhooks`."""

from appliance.domains.channels.api.channels import MANAGE, READ, api
from appliance.domains.channels.api.leaving import leaving
from appliance.domains.channels.api.links import links
from appliance.domains.channels.api.webchat import webchat

__all__ = ["MANAGE", "READ", "api", "leaving", "links", "webchat"]
