from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries, schemas
from appliance.domains.contacts.tables import ContactDuplicate, ContactMerge

api = web.Api("contact_duplicates")


@api.get("/contacts/duplicates", permission="contacts:read", query=schemas.DuplicatesQuery, returns=web.PageOf[schemas.DuplicateOut])
def list_duplicates(uow: UnitOfWork, query: schemas.DuplicatesQuery) -> web.Page[ContactDuplicate]:
    return queries.list_duplicates(uow, query)


@api.post("/contacts/duplicates/look", permission="contacts:write", status=202)
def look_for_duplicates(uow: UnitOfWork) -> None:
    """Asks for it; what is found stands in the list a moment later."""
    actions.want_duplicates(uow)


@api.get("/contacts/duplicates/<uuid:duplicate_id>", permission="contacts:read", returns=schemas.DuplicateOut)
def read_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    return queries.get_duplicate(uow, duplicate_id)


@api.post(
    "/contacts/duplicates/<uuid:duplicate_id>/merge",
    permission="contacts:write",
    body=schemas.DuplicateMergeIn,
    returns=schemas.MergeOut,
    status=201,
)
def merge_duplicate(uow: UnitOfWork, duplicate_id: UUID, body: schemas.DuplicateMergeIn) -> ContactMerge:
    return actions.merge_duplicate(uow, duplicate_id, body.kept_id)


@api.post("/contacts/duplicates/<uuid:duplicate_id>/dismiss", permission="contacts:write", returns=schemas.DuplicateOut)
def dismiss_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    return actions.dismiss_duplicate(uow, duplicate_id)


@api.post("/contacts/duplicates/<uuid:duplicate_id>/reopen", permission="contacts:write", returns=schemas.DuplicateOut)
def reopen_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    return actions.reopen_duplicate(uow, duplicate_id)
