"""Routes of the channels. The address Meta calls is answered in `entrypoints.webhooks`."""

from appliance.domains.channels.api.channels import MANAGE, READ, api

__all__ = ["MANAGE", "READ", "api"]
