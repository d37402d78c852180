"""Routes of the inbox."""

from appliance.domains.conversations.api.attachments import attachments
from appliance.domains.conversations.api.conversations import READ, WRITE, api, inbox_filter

__all__ = ["READ", "WRITE", "api", "attachments", "inbox_filter"]
