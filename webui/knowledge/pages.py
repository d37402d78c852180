"""The routes of the knowledge screens; the other modules add theirs."""

from appliance.core.web import Pages

READ, WRITE, ASK = "knowledge:read", "knowledge:write", "knowledge:ask"
pages = Pages("knowledge", __name__)
