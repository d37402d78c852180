"""Contacts from a file. The browser hands the file to the API; here the columns are chosen and the run is followed."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from werkzeug import Response

from appliance.core.uow import UnitOfWork
from appliance.core.web import parse
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ImportOut, ImportStartIn
from appliance.domains.contacts.types import ImportTarget
from webui.crm.pages import pages
from webui.crm.words import options

PROBLEMS_SHOWN = 200


@pages.get("/contacts/import", permission="contacts:write")
def imports(uow: UnitOfWork) -> str:
    return render_template("crm/imports.html", runs=[ImportOut.model_validate(run) for run in queries.list_imports(uow)[:10]])


@pages.get("/contacts/import/<uuid:import_id>", permission="contacts:write")
def import_run(uow: UnitOfWork, import_id: UUID) -> str:
    run = ImportOut.model_validate(queries.get_import(uow, import_id))
    problems = queries.list_import_problems(uow, import_id, limit=PROBLEMS_SHOWN)
    fields = options(*ImportTarget)
    return render_template("crm/import.html", run=run, problems=problems, field_options=fields, field_names=dict(fields))


@pages.post("/contacts/import/<uuid:import_id>", permission="contacts:write")
def start_import(uow: UnitOfWork, import_id: UUID) -> Response:
    run = queries.get_import(uow, import_id)
    chosen = {header: request.form.get(f"column-{index}", "") for index, header in enumerate(run.headers)}
    targets = {target.value for target in ImportTarget}
    mapping = {header: ImportTarget(target) for header, target in chosen.items() if target in targets}
    tags = [tag.strip() for tag in request.form.get("tags", "").split(",") if tag.strip()]
    wanted = parse(ImportStartIn, {"mapping": mapping, "tags": tags, "dry_run": "dry_run" in request.form})
    actions.start_import(uow, import_id, wanted)
    return redirect(url_for("crm.import_run", import_id=import_id))
