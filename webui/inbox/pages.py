from appliance.core.web import Pages

READ, MANAGE = "conversations:read", "inbox:write"

pages = Pages("inbox", __name__)
