"""Routes of the inbox."""

from appliance.domains.conversations.api.attachments import attachments
from appliance.domains.conversations.api.conversations import READ, WRITE, api, inbox_filter
from appliance.domains.conversations.api.inbox import MANAGE, inbox
from appliance.domains.conversations.api.teams import team_work

__all__ = ["MANAGE", "READ", "WRITE", "api", "attachments", "inbox", "inbox_filter", "team_work"]
