"""Static segments: frozen, let go again, changed by hand."""

from uuid import UUID

from flask import flash, redirect, url_for
from werkzeug import Response

from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema, read_form
from appliance.domains.contacts import actions
from webui.crm.pages import pages

WRITE = "contacts:write"
HEAVY = "6/minute"  # each writes or drops up to 50,000 rows


class PersonForm(Schema):
    contact_id: UUID


@pages.post("/segments/<uuid:segment_id>/freeze", permission=WRITE, limit=HEAVY)
def freeze_segment(uow: UnitOfWork, segment_id: UUID) -> Response:
    actions.freeze_segment(uow, segment_id)
    flash(_("This is a fixed list now: it changes by hand alone."))
    return _back(segment_id)


@pages.post("/segments/<uuid:segment_id>/thaw", permission=WRITE, limit=HEAVY)
def thaw_segment(uow: UnitOfWork, segment_id: UUID) -> Response:
    actions.thaw_segment(uow, segment_id)
    flash(_("The segment follows its conditions again."))
    return _back(segment_id)


@pages.post("/segments/<uuid:segment_id>/people", permission=WRITE)
def add_member(uow: UnitOfWork, segment_id: UUID) -> Response:
    form = read_form(PersonForm)
    if form.value is not None:
        actions.add_member(uow, segment_id, form.value.contact_id)
        flash(_("Added to the list."))
    return _back(segment_id)


@pages.post("/segments/<uuid:segment_id>/people/<uuid:contact_id>/remove", permission=WRITE)
def remove_member(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> Response:
    actions.remove_member(uow, segment_id, contact_id)
    flash(_("Taken off the list."))
    return _back(segment_id)


def _back(segment_id: UUID) -> Response:
    return redirect(url_for("crm.segment", segment_id=segment_id))
