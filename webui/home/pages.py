from appliance.core.web import Pages

pages = Pages("home", __name__)
