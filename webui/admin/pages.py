from appliance.core.web import Pages

pages = Pages("admin", __name__)
