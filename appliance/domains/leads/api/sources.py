from collections.abc import Sequence
from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.core.web.auth import check_access
from appliance.domains.contacts.schemas import ImportStartIn
from appliance.domains.leads import actions, queries, schemas
from appliance.domains.leads.tables import LeadEvent, LeadImport, LeadSource

api = web.Api("lead_sources")
READ, WRITE, MANAGE = "leads:read", "leads:write", "leads:configure"
CONTACTS = "contacts:write"


@api.get("/lead-sources", permission=READ, query=web.PageQuery, returns=web.PageOf[schemas.SourceOut])
def list_sources(uow: UnitOfWork, query: web.PageQuery) -> web.Page[LeadSource]:
    return queries.list_sources(uow, query)


@api.post(
    "/lead-sources", permission=MANAGE, body=schemas.SourceIn, returns=schemas.SourceSecretOut, status=201, shows_secret=True
)
def create_source(uow: UnitOfWork, body: schemas.SourceIn) -> schemas.SourceSecretOut:
    return _with_secret(actions.create_source(uow, body))


@api.get("/lead-sources/<uuid:source_id>", permission=READ, returns=schemas.SourceOut)
def read_source(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    return queries.get_source(uow, source_id)


@api.patch("/lead-sources/<uuid:source_id>", permission=MANAGE, body=schemas.SourcePatch, returns=schemas.SourceOut)
def change_source(uow: UnitOfWork, source_id: UUID, body: schemas.SourcePatch) -> LeadSource:
    return actions.change_source(uow, source_id, body)


@api.delete("/lead-sources/<uuid:source_id>", permission=MANAGE)
def delete_source(uow: UnitOfWork, source_id: UUID) -> None:
    actions.delete_source(uow, source_id)


@api.post("/lead-sources/<uuid:source_id>/secret", permission=MANAGE, returns=schemas.SourceSecretOut, shows_secret=True)
def renew_secret(uow: UnitOfWork, source_id: UUID) -> schemas.SourceSecretOut:
    return _with_secret(actions.renew_secret(uow, source_id))


@api.post("/lead-sources/<uuid:source_id>/try", permission=READ, body=schemas.TrialIn, returns=list[schemas.TrialFieldOut])
def try_mapping(uow: UnitOfWork, source_id: UUID, body: schemas.TrialIn) -> Sequence[schemas.TrialFieldOut]:
    """What the source would understand of this payload. Nothing is written."""
    source = queries.get_source(uow, source_id)
    reading = queries.read_payload(source.mapping if body.mapping is None else body.mapping, body.payload)
    return [schemas.TrialFieldOut(field=name, **vars(found)) for name, found in reading.found.items()]


@api.get(
    "/lead-sources/<uuid:source_id>/rejected", permission=MANAGE, query=web.PageQuery, returns=web.PageOf[schemas.RejectedOut]
)
def list_rejected(uow: UnitOfWork, source_id: UUID, query: web.PageQuery) -> web.Page[LeadEvent]:
    return queries.list_rejected(uow, source_id, query)


@api.post("/lead-sources/<uuid:source_id>/rejected/retry", permission=MANAGE, returns=schemas.RetriedOut)
def retry_rejected(uow: UnitOfWork, source_id: UUID) -> schemas.RetriedOut:
    """What was taken and not understood is read once more, with the mapping as it is now."""
    return schemas.RetriedOut(count=actions.retry_rejected(uow, source_id))


@api.get(
    "/lead-sources/<uuid:source_id>/imports", permission=READ, query=web.PageQuery, returns=web.PageOf[schemas.LeadImportOut]
)
def list_imports(uow: UnitOfWork, source_id: UUID, query: web.PageQuery) -> web.Page[schemas.LeadImportOut]:
    """Files whose people are its leads, newest first, with how many."""
    found = queries.list_imports(uow, source_id, query)
    states = queries.states_of(uow, found.items)
    shown = [schemas.LeadImportOut.model_validate(run).model_copy(update={"state": states[run.id]}) for run in found.items]
    return web.Page(shown, found.total, found.page, found.limit)


@api.post(
    "/lead-sources/<uuid:source_id>/imports/<uuid:import_id>/start",
    permission=WRITE,
    body=ImportStartIn,
    returns=schemas.LeadImportOut,
    status=202,
)
def start_import(uow: UnitOfWork, source_id: UUID, import_id: UUID, body: ImportStartIn) -> LeadImport:
    """Like `contacts/import/<id>/start`, and everybody in the file becomes a lead of this source as well."""
    check_access(web.current_principal(), CONTACTS)
    return actions.start_import(uow, import_id, source_id, body)


def _with_secret(source: LeadSource) -> schemas.SourceSecretOut:
    shown = schemas.SourceOut.model_validate(source).model_dump()
    return schemas.SourceSecretOut(secret=source.secrets.get(queries.SECRET, ""), **shown)
