"""Routes of the inbox."""

from appliance.domains.conversations.api.attachments import attachments
from appliance.domains.conversations.api.conversations import READ, WRITE, api, inbox_filter
from appliance.domains.conversations.api.inbox import MANAGE, inbox
from appliance.domains.conversations.api.promises import promised
from appliance.domains.conversations.api.surveys import asking
from appliance.domains.conversations.api.teams import team_work
from appliance.domains.conversations.api.views import saved_views

__all__ = ["MANAGE", "READ", "WRITE", "api", "asking", "attachments", "inbox", "inbox_filter", "promised", "saved_views", "team_work"]
