from appliance.core.web import Pages

READ, WRITE, MANAGE = "conversations:read", "conversations:write", "inbox:write"

pages = Pages("inbox", __name__)
