from appliance.core.web import Pages

pages = Pages("crm", __name__)
