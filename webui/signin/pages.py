from appliance.core.web import Pages

pages = Pages("signin", __name__)
