"""A number that was linked by QR goes on by the Cloud API: what Meta gives is entered once, conversations stay."""

from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug import Response

from appliance.core.errors import DomainError, NotFound
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, parse, read_form
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelOut, MoveIn
from appliance.domains.channels.types import WHATSAPP_CLOUD, WHATSAPP_QR
from webui.studio.channels import WRITE, refused
from webui.studio.kinds import page_of
from webui.studio.kinds.cloud import CLOUD, CloudForm
from webui.studio.pages import pages


class MoveForm(CloudForm):
    name: str = ""  # it keeps the one it has


@pages.get("/channels/<uuid:channel_id>/move", permission=WRITE)
def move_channel(uow: UnitOfWork, channel_id: UUID) -> str:
    return _page(uow, channel_id, Form(None, {}, {}))


@pages.post("/channels/<uuid:channel_id>/move", permission=WRITE)
def move(uow: UnitOfWork, channel_id: UUID) -> Response | tuple[str, int]:
    form, kind = read_form(MoveForm), queries.kind_of(WHATSAPP_CLOUD)
    if form.value is None:
        return _page(uow, channel_id, form), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    said = {"external_id": given.external_id, "secrets": given.secrets_of(kind), "config": {"waba_id": given.waba_id}}
    try:
        actions.move_to_cloud(uow, channel_id, parse(MoveIn, said))
    except NotFound:
        raise
    except DomainError as err:
        again, status = refused(CLOUD, form, err)
        return _page(uow, channel_id, again), status
    flash(gettext("The number moved. Now point Meta's webhook at this box, as shown below."))
    return redirect(url_for("studio.channel", channel_id=channel_id))


def _page(uow: UnitOfWork, channel_id: UUID, form: Form[MoveForm]) -> str:
    found = ChannelOut.model_validate(queries.get_channel(uow, channel_id))
    if found.kind != WHATSAPP_QR:
        raise NotFound(_("Only a number that was linked by QR moves to the Cloud API."))
    is_linked = queries.get_link(uow, channel_id).is_linked
    around = page_of(WHATSAPP_CLOUD).around(uow.box, None)
    return render_template("studio/move.html", moved=found, is_linked=is_linked, form=form, shown=form.raw, channel=None, **around)
