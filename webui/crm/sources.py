"""Sources of leads: how to send to one, what it understands, what it brought."""

import json
from http import HTTPStatus
from typing import Literal
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from pydantic import ConfigDict, Field
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext as _
from appliance.core.i18n import ngettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, PageQuery, Schema, parse, read_form
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import queries as people
from appliance.domains.leads import actions, queries
from appliance.domains.leads.schemas import FormSettings, LeadsQuery, SourceIn, SourceOut, SourcePatch
from appliance.domains.leads.types import FormField, LeadField, LeadStatus, MetaSecret, Reading, SourceKind
from webui import branding, theme
from webui.addresses import is_public
from webui.crm.forms import snippet
from webui.crm.leads import READ
from webui.crm.pages import pages
from webui.crm.words import REJECTIONS, label, options

MANAGE = "leads:configure"
PLACES = {SourceKind.FORM: "forms", SourceKind.META: "webhooks/meta-leads"}
EXAMPLE = {
    "event_id": "exemplo-1", "nome": "Maria Souza", "email": "maria@exemplo.com.br", "telefone": "(11) 95512-0148",
    "empresa": "Padaria Souza", "utm": {"utm_source": "google", "utm_campaign": "natal"},
}  # fmt: skip


class RejectedQuery(PageQuery):
    limit: int = Field(20, ge=1, le=20)


class SourceForm(Schema):
    kind: SourceKind = SourceKind.WEBHOOK
    name: str = Field(min_length=1, max_length=120)
    tags: str = Field("", max_length=500)
    dedupe_hours: int = Field(24, ge=0, le=8760)
    active: bool = False
    confirm_by: UUID | Literal[""] = ""
    app_secret: str = Field("", max_length=200)
    verify_token: str = Field("", max_length=200)
    access_token: str = Field("", max_length=2000)

    def secrets(self) -> dict[str, str]:
        return self.model_dump(include={name.value for name in MetaSecret})

    def tag_list(self) -> list[str]:
        return [tag.strip() for tag in self.tags.split(",") if tag.strip()]


class SourceChangeForm(SourceForm):
    """The boxes of the mapping and what was pasted to try it come along; they are read by `_typed_mapping`."""

    model_config = ConfigDict(extra="ignore")
    title: str = Field("", max_length=120)
    thanks: str = Field("", max_length=300)
    fields: list[FormField] = Field(default_factory=list)
    asks_message: bool = False
    keeps_programs_out: bool = False
    consent_text: str = Field("", max_length=1000)


@pages.get("/leads/sources", permission=READ, query=PageQuery)
def sources(uow: UnitOfWork, query: PageQuery) -> str:
    page = queries.list_sources(uow, query)
    ids = [source.id for source in page.items]
    counts, rejected = queries.count_by_status(uow, ids), queries.count_rejected(uow, ids)
    return render_template("crm/sources.html", page=page, counts=counts, rejected=rejected, statuses=LeadStatus)


@pages.get("/leads/sources/new", permission=MANAGE)
def new_source(uow: UnitOfWork) -> str:
    del uow
    return _new_page(Form(None, {}, {}))


@pages.post("/leads/sources/new", permission=MANAGE)
def create_source(uow: UnitOfWork) -> Response | str | tuple[str, int]:
    form = read_form(SourceForm)
    if form.value is None:
        return _new_page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    given = form.value
    try:
        said = {**given.model_dump(include={"kind", "name", "dedupe_hours"}), "tags": given.tag_list(), "secrets": given.secrets()}
        made = actions.create_source(uow, parse(SourceIn, said))
    except Refused as err:
        return _new_page(form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    if secret := made.secrets.get(queries.SECRET):  # shown this once, so it goes through no redirect
        return _page(uow, made.id, secret=secret), HTTPStatus.CREATED
    flash(_("Saved."))
    return redirect(url_for("crm.source", source_id=made.id))


@pages.get("/leads/sources/<uuid:source_id>", permission=MANAGE, query=RejectedQuery)
def source(uow: UnitOfWork, source_id: UUID, query: RejectedQuery) -> str:
    return _page(uow, source_id, rejected=query)


@pages.post("/leads/sources/<uuid:source_id>", permission=MANAGE)
def save_source(uow: UnitOfWork, source_id: UUID) -> Response | tuple[str, int]:
    form = read_form(SourceChangeForm)
    if form.value is None:
        return _page(uow, source_id, form=form), HTTPStatus.UNPROCESSABLE_ENTITY
    said = {**form.value.model_dump(include={"name", "dedupe_hours", "active"}), "tags": form.value.tag_list(), "mapping": _typed_mapping()}
    said |= {"secrets": form.value.secrets(), "confirm_by": form.value.confirm_by or None}
    try:
        if "title" in form.raw:
            said["form"] = _asked(form.value)
        actions.change_source(uow, source_id, parse(SourcePatch, said))
    except Refused as err:
        return _page(uow, source_id, form=form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("Saved."))
    return redirect(url_for("crm.source", source_id=source_id))


@pages.post("/leads/sources/<uuid:source_id>/secret", permission=MANAGE)
def renew_secret(uow: UnitOfWork, source_id: UUID) -> str:
    renewed = actions.renew_secret(uow, source_id)
    return _page(uow, source_id, secret=renewed.secrets[queries.SECRET])


@pages.post("/leads/sources/<uuid:source_id>/delete", permission=MANAGE)
def delete_source(uow: UnitOfWork, source_id: UUID) -> Response:
    try:
        actions.delete_source(uow, source_id)
    except DomainError as err:
        flash(str(err), "bad")
        return redirect(url_for("crm.source", source_id=source_id))
    flash(_("The source was deleted."))
    return redirect(url_for("crm.sources"))


@pages.post("/leads/sources/<uuid:source_id>/rejected/retry", permission=MANAGE)
def retry_rejected(uow: UnitOfWork, source_id: UUID) -> Response:
    count = actions.retry_rejected(uow, source_id)
    flash(ngettext("%(count)s event is read once more.", "%(count)s events are read once more.", count, count=count))
    return redirect(url_for("crm.source", source_id=source_id))


@pages.post("/leads/sources/<uuid:source_id>/try", permission=MANAGE)
def try_mapping(uow: UnitOfWork, source_id: UUID) -> str:
    """What is in the form is tried on what was pasted; nothing is kept."""
    queries.get_source(uow, source_id)
    try:
        reading = queries.read_payload(_typed_mapping(), json.loads(request.form.get("payload", "")))
    except (ValueError, RecursionError):
        return render_template("crm/_trial.html", reading=None)
    return render_template("crm/_trial.html", reading=reading)


def _asked(given: SourceChangeForm) -> dict[str, object]:
    """Raises Refused for a form that asks for nothing."""
    if not given.fields:
        said = _("Choose at least one thing that the form asks for.")
        raise Refused(said, fields={"fields": said})
    return given.model_dump(include=set(FormSettings.model_fields))


def _typed_mapping() -> dict[LeadField, str]:
    """An empty box leaves the field to its name."""
    typed = {field: request.form.get(f"map-{field.value}", "").replace("\x00", "").strip()[:300] for field in LeadField}
    return {field: path for field, path in typed.items() if path}


def _new_page(form: Form[SourceForm]) -> str:
    return render_template("crm/source_new.html", form=form, kind_options=options(*SourceKind))


def _page(
    uow: UnitOfWork, source_id: UUID, *, secret: str = "", form: Form[SourceForm] | Form[SourceChangeForm] | None = None,
    rejected: RejectedQuery | None = None,
) -> str:  # fmt: skip
    found = SourceOut.model_validate(queries.get_source(uow, source_id))
    latest = queries.list_leads(uow, LeadsQuery(source_id=source_id, limit=1)).items
    body = queries.list_events(uow, latest[0].id)[0].body if latest else json.dumps(EXAMPLE, ensure_ascii=False)
    try:
        sample = json.loads(body)
        payload = json.dumps(sample, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):  # cut at its longest, or nested deeper than can be laid out
        sample, payload = EXAMPLE, json.dumps(EXAMPLE, ensure_ascii=False, indent=2)
    address = f"{uow.box.settings.public_url}/{PLACES.get(found.kind, 'webhooks/leads')}/{source_id}"
    counts = queries.count_by_status(uow, [source_id]).get(source_id, {})
    reading: Reading = queries.read_payload(found.mapping, sample)
    asking = [("", _("At once, as it is sent")), *_mailboxes(uow)]
    lost = [(chosen, _("A mailbox that is switched off"))] if (chosen := str(found.confirm_by or "")) not in dict(asking) else []
    return render_template(
        "crm/source.html", source=found, secret=secret, counts=counts, statuses=LeadStatus, fields=LeadField,
        form=form or Form[SourceForm](None, {}, {}),
        payload=payload, reading=reading, address=address, is_public=is_public(address), example=json.dumps(EXAMPLE, ensure_ascii=False),
        rejected=queries.list_rejected(uow, source_id, rejected or RejectedQuery()), rejections=REJECTIONS,
        rejected_days=uow.box.settings.channels.rejected_days,
        confirm_options=[*asking, *lost], is_mute=bool(lost),
        is_spent=found.confirm_by is not None and people.is_mailbox_spent(uow, found.confirm_by),
        form_fields=options(*FormField), snippet=_snippet(address, found),
    )  # fmt: skip


def _mailboxes(uow: UnitOfWork) -> list[tuple[str, str]]:
    """By which a yes may be confirmed."""
    return [(str(one.id), _("Once confirmed by a mail from %(mailbox)s", mailbox=one.name)) for one in channels.list_mailboxes(uow)]


def _snippet(address: str, source: SourceOut) -> str:
    colour = theme.parse_colour(branding.current().colour) or theme.parse_colour(branding.OUR_COLOUR)
    if source.form is None or colour is None:
        return ""
    return snippet(address, source.form, {field: label(field) for field in FormField}, theme.theme_for(colour).light)
