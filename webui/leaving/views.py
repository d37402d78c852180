"""A look changes nothing, since programs follow links too: a person presses the button."""

from uuid import UUID

from flask import render_template

from appliance.core.web import PUBLIC, Call, Pages
from appliance.domains.channels import actions
from webui import branding

pages = Pages("leaving", __name__)
ADDRESS = "/unsubscribe/<uuid:channel_id>/<string(length=97):token>"


@pages.get(ADDRESS, access=PUBLIC, unit=False)
def leave(call: Call, channel_id: UUID, token: str) -> str:
    tenant_id, _contact_id = actions.check_reader(call.box, channel_id, token)
    return render_template("leaving/leave.html", brand=branding.brand_of(tenant_id), channel_id=channel_id, token=token)


@pages.post(f"{ADDRESS}/confirm", access=PUBLIC, unit=False)
def left(call: Call, channel_id: UUID, token: str) -> str:
    tenant_id, _contact_id = actions.check_reader(call.box, channel_id, token)
    actions.unsubscribe(call.box, channel_id, token)
    return render_template("leaving/left.html", brand=branding.brand_of(tenant_id))
