"""Leads: the list, and one with what was sent."""

import json
from collections.abc import Iterable
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery, Schema, read_form
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactOut
from appliance.domains.leads import actions, queries
from appliance.domains.leads.schemas import LeadEventOut, LeadOut, LeadPatch, LeadsQuery
from appliance.domains.leads.types import LeadStatus
from webui.crm.pages import pages
from webui.crm.words import label

READ, WRITE = "leads:read", "leads:write"
MOST_SOURCES = PageQuery(limit=200)
TONES = {
    LeadStatus.NEW: "info", LeadStatus.WORKING: "warn", LeadStatus.QUALIFIED: "accent", LeadStatus.CONVERTED: "ok", LeadStatus.LOST: "line",
}  # fmt: skip


class LeadForm(Schema):
    status: LeadStatus
    score: int | None = Field(None, ge=0, le=100)


@pages.get("/leads", permission=READ, query=LeadsQuery)
def leads(uow: UnitOfWork, query: LeadsQuery) -> str:
    page = queries.list_leads(uow, query)
    names = source_names(uow)
    return render_template(
        "crm/leads.html", page=page, query=query, source_names=names, tones=TONES,
        people=_people(uow, (lead.contact_id for lead in page.items)),
        status_options=[("", _("Every state")), *_states()],
        source_options=[("", _("Every source")), *((str(key), name) for key, name in names.items())],
    )  # fmt: skip


@pages.get("/leads/<uuid:lead_id>", permission=READ)
def lead(uow: UnitOfWork, lead_id: UUID) -> str:
    found = LeadOut.model_validate(queries.get_lead(uow, lead_id))
    events = [(event, *_told(event.body)) for event in map(LeadEventOut.model_validate, queries.list_events(uow, lead_id))]
    person = ContactOut.model_validate(contacts.get_contact(uow, found.contact_id))
    return render_template(
        "crm/lead.html", lead=found, contact=person, events=events, source=queries.get_source(uow, found.source_id), tones=TONES,
        status_options=_states(), is_awaited=bool(contacts.list_awaited(uow, found.contact_id)),
    )  # fmt: skip


@pages.post("/leads/<uuid:lead_id>", permission=WRITE)
def save_lead(uow: UnitOfWork, lead_id: UUID) -> Response:
    form = read_form(LeadForm)
    if form.value is None:
        flash(next(iter(form.errors.values())), "bad")
    else:
        actions.change_lead(uow, lead_id, LeadPatch(status=form.value.status, score=form.value.score))
        flash(_("Saved."))
    return redirect(url_for("crm.lead", lead_id=lead_id))


def _states() -> list[tuple[str, str]]:
    return [(state.value, label(state).capitalize()) for state in LeadStatus]


def source_names(uow: UnitOfWork) -> dict[UUID, str]:
    return {source.id: source.name for source in queries.list_sources(uow, MOST_SOURCES).items}


def _people(uow: UnitOfWork, contact_ids: Iterable[UUID]) -> dict[UUID, ContactOut]:
    """Who was merged away meanwhile is shown as who they became, once the leads have moved."""
    return {key: ContactOut.model_validate(row) for key, row in contacts.find_contacts(uow, set(contact_ids)).items()}


def _told(body: str) -> tuple[list[tuple[str, str]], str]:
    """Name and value of what was filled in, and all of it as it came."""
    try:
        said = json.loads(body)
        whole = json.dumps(said, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return [], body
    fields = said.items() if isinstance(said, dict) else ()
    return [(name, str(value)) for name, value in fields if value and isinstance(value, str | int | float)], whole
