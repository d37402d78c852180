"""Routes of the channels, and the address Meta calls."""

from appliance.domains.channels.api.channels import MANAGE, READ, api
from appliance.domains.channels.api.webhooks import webhooks

__all__ = ["MANAGE", "READ", "api", "webhooks"]
