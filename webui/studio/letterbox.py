"""The address by which another program hands the mails of a channel over. What is shown after is the channel's page."""

from uuid import UUID

from flask import flash, redirect, url_for
from werkzeug import Response

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelOut
from webui.studio.channels import WRITE, form_page
from webui.studio.kinds import page_of
from webui.studio.pages import pages


@pages.post("/channels/<uuid:channel_id>/letterbox", permission=WRITE)
def open_letterbox(uow: UnitOfWork, channel_id: UUID) -> str:
    """The secret is shown this once, so it goes through no redirect."""
    secret = actions.open_letterbox(uow, channel_id)
    found = ChannelOut.model_validate(queries.get_channel(uow, channel_id))
    return form_page(uow, page_of(found.kind), Form(None, {}, {}), found, secret=secret)


@pages.post("/channels/<uuid:channel_id>/letterbox/close", permission=WRITE)
def close_letterbox(uow: UnitOfWork, channel_id: UUID) -> Response:
    actions.close_letterbox(uow, channel_id)
    flash(gettext("The address takes no more mails."))
    return redirect(url_for("studio.channel", channel_id=channel_id))
