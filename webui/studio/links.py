"""What people do with the link of a number: sign for its risk, open it, end it. The page that is shown after is the channel's."""

from uuid import UUID

from flask import flash, redirect, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Schema, read_form
from appliance.domains.channels import actions, queries
from webui.studio.pages import pages

WRITE = "channels:write"


class LinkForm(Schema):
    phone: str = Field("", max_length=40)


class RiskForm(Schema):
    version: int
    accepted: bool = False


@pages.post("/channels/<uuid:channel_id>/link/risk", permission=WRITE)
def accept_risk(uow: UnitOfWork, channel_id: UUID) -> Response:
    form = read_form(RiskForm)
    if form.value is None or not form.value.accepted:
        flash(gettext("Tick the box to accept the risk."), "bad")
    else:
        actions.accept_risk(uow, channel_id, form.value.version)
    return _back(channel_id)


@pages.post("/channels/<uuid:channel_id>/link", permission=WRITE, unit=False)
def begin_link(call: Call, channel_id: UUID) -> Response:
    form = read_form(LinkForm)
    digits = "".join(sign for sign in form.raw.get("phone", "") if sign.isdecimal())
    if form.raw.get("phone") and not 8 <= len(digits) <= 15:  # noqa: PLR2004 - E.164
        flash(gettext("Type the number with the country's code, for example +55 11 95555-0101."), "bad")
        return _back(channel_id)
    try:
        with call.unit() as uow:
            actions.begin_link(uow, channel_id, phone=digits)
        queries.nudge_sessions(call.box)
    except DomainError as err:
        flash(str(err), "bad")
    return _back(channel_id)


@pages.post("/channels/<uuid:channel_id>/link/end", permission=WRITE)
def unlink(uow: UnitOfWork, channel_id: UUID) -> Response:
    was_linked = queries.get_link(uow, channel_id).is_linked
    actions.unlink(uow, channel_id)
    flash(gettext("The number was unlinked.") if was_linked else gettext("Linking was stopped."))
    return _back(channel_id)


@pages.post("/channels/<uuid:channel_id>/link/keys", permission=WRITE)
def leave_untold(uow: UnitOfWork, channel_id: UUID) -> Response:
    actions.leave_untold(uow, channel_id)
    return _back(channel_id)


def _back(channel_id: UUID) -> Response:
    return redirect(url_for("studio.channel", channel_id=channel_id))
