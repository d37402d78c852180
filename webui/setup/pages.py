from appliance.core.web import Pages

pages = Pages("setup", __name__)
