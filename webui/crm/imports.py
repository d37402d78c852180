"""Contacts from a file. The browser hands the file to the API; here the columns are chosen and the run is followed."""

from typing import Literal
from uuid import UUID

from flask import redirect, render_template, request, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema, current_principal, parse
from appliance.core.web.auth import check_access
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ImportOut, ImportStartIn
from appliance.domains.contacts.types import ImportTarget
from appliance.domains.leads import actions as leads
from appliance.domains.leads import queries as lead_queries
from webui.crm.leads import WRITE
from webui.crm.pages import pages
from webui.crm.sources import MANAGE
from webui.crm.words import options

PROBLEMS_SHOWN = 200


class NewSource(Schema):
    new_source: str = Field("", max_length=120)


class AsLeads(NewSource):
    """Through which source the people become leads as well; a name makes one, once they are imported."""

    source_id: UUID | Literal[""] = ""


@pages.get("/contacts/import", permission="contacts:write")
def imports(uow: UnitOfWork) -> str:
    latest = queries.list_imports(uow)[:10]
    runs = [ImportOut.model_validate(run) for run in latest]
    return render_template("crm/imports.html", runs=runs, stopped=queries.find_stopped_imports(uow, latest))


@pages.get("/contacts/import/<uuid:import_id>", permission="contacts:write", query=NewSource)
def import_run(uow: UnitOfWork, import_id: UUID, query: NewSource) -> str:
    found = queries.get_import(uow, import_id)
    run, as_leads = ImportOut.model_validate(found), lead_queries.find_import(uow, found.listener_id)
    has_stopped = bool(queries.find_stopped_imports(uow, [found])) or lead_queries.has_import_stopped(uow, found.listener_id)
    lists = [(str(source.id), source.name) for source in lead_queries.list_open_lists(uow)]
    problems = queries.list_import_problems(uow, import_id, limit=PROBLEMS_SHOWN)
    fields = options(*ImportTarget)
    return render_template(
        "crm/import.html", run=run, problems=problems, field_options=fields, field_names=dict(fields), as_leads=as_leads,
        list_options=[("", _("Of none: contacts only")), *lists],
        new_source=query.new_source, has_stopped=has_stopped,
    )  # fmt: skip


@pages.post("/contacts/import/<uuid:import_id>", permission="contacts:write")
def start_import(uow: UnitOfWork, import_id: UUID) -> Response:
    run = queries.get_import(uow, import_id)
    chosen = {header: request.form.get(f"column-{index}", "") for index, header in enumerate(run.headers)}
    targets = {target.value for target in ImportTarget}
    mapping = {header: ImportTarget(target) for header, target in chosen.items() if target in targets}
    tags = [tag.strip() for tag in request.form.get("tags", "").split(",") if tag.strip()]
    wanted = parse(ImportStartIn, {"mapping": mapping, "tags": tags, "dry_run": "dry_run" in request.form})
    given = parse(AsLeads, {name: request.form.get(name, "") for name in AsLeads.model_fields})
    source_id = _chosen_list(uow, given, is_check=wanted.dry_run)
    if source_id is None:
        actions.start_import(uow, import_id, wanted)
    else:
        leads.start_import(uow, import_id, source_id, wanted)
    to_be_made = given.new_source if source_id is None else ""
    return redirect(url_for("crm.import_run", import_id=import_id, new_source=to_be_made or None))


def _chosen_list(uow: UnitOfWork, given: AsLeads, *, is_check: bool) -> UUID | None:
    """A check makes no source. Raises Refused, Forbidden."""
    if not (given.new_source or given.source_id):
        return None
    check_access(current_principal(), WRITE)
    if not given.new_source:
        return UUID(str(given.source_id))
    check_access(current_principal(), MANAGE)
    known = lead_queries.find_open_list(uow, given.new_source) if is_check else leads.open_list(uow, given.new_source)
    return known.id if known else None
