"""Routes of programs that listen to linked numbers, ours and those in Evolution's words."""

from appliance.domains.feeds.api.feeds import feeds
from appliance.domains.feeds.api.instances import evolution

__all__ = ["evolution", "feeds"]
