"""The routes of the studio; the other modules add theirs."""

from appliance.core.web import Pages

pages = Pages("studio", __name__)
