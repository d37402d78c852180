from collections.abc import Sequence
from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries, schemas
from appliance.domains.contacts.tables import Contact, ContactIdentity, ContactMerge, ContactSettings
from appliance.domains.contacts.types import Identity

api = web.Api("contacts")


@api.get("/contacts", permission="contacts:read", query=schemas.ContactsQuery, returns=web.PageOf[schemas.ContactOut])
def list_contacts(uow: UnitOfWork, query: schemas.ContactsQuery) -> web.Page[Contact]:
    return queries.list_contacts(uow, query)


@api.post("/contacts", permission="contacts:write", body=schemas.ContactFields, returns=schemas.ContactOut, status=201)
def create_contact(uow: UnitOfWork, body: schemas.ContactFields) -> Contact:
    return actions.create_contact(uow, body)


@api.post("/contacts/upsert", permission="contacts:write", body=schemas.UpsertIn, returns=schemas.ContactOut)
def upsert_contact(uow: UnitOfWork, body: schemas.UpsertIn) -> Contact:
    identities = [Identity(given.kind, given.value, given.scope) for given in body.identities]
    return actions.upsert_contact(uow, identities, fields=body.fields(), overwrite=True)


@api.get("/contacts/<uuid:contact_id>", permission="contacts:read", returns=schemas.ContactOut)
def read_contact(uow: UnitOfWork, contact_id: UUID) -> Contact:
    return queries.get_contact(uow, contact_id)


@api.patch("/contacts/<uuid:contact_id>", permission="contacts:write", body=schemas.ContactFields, returns=schemas.ContactOut)
def change_contact(uow: UnitOfWork, contact_id: UUID, body: schemas.ContactFields) -> Contact:
    return actions.change_contact(uow, contact_id, body)


@api.delete("/contacts/<uuid:contact_id>", permission="contacts:delete")
def delete_contact(uow: UnitOfWork, contact_id: UUID) -> None:
    actions.delete_contact(uow, contact_id)


@api.get("/contacts/<uuid:contact_id>/identities", permission="contacts:read", returns=list[schemas.IdentityOut])
def list_identities(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactIdentity]:
    return queries.list_identities(uow, queries.get_contact(uow, contact_id).id)


@api.post("/contacts/<uuid:contact_id>/merge", permission="contacts:write", body=schemas.MergeIn, returns=schemas.MergeOut, status=201)
def merge_contacts(uow: UnitOfWork, contact_id: UUID, body: schemas.MergeIn) -> ContactMerge:
    return actions.merge_contacts(uow, contact_id, body.contact_id)


@api.get("/contacts/<uuid:contact_id>/merges", permission="contacts:read", returns=list[schemas.MergeOut])
def list_merges(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactMerge]:
    return queries.list_merges(uow, queries.get_contact(uow, contact_id).id)


@api.post("/contacts/merges/<uuid:merge_id>/undo", permission="contacts:write", returns=schemas.MergeOut)
def undo_merge(uow: UnitOfWork, merge_id: UUID) -> ContactMerge:
    return actions.undo_merge(uow, merge_id)


@api.get("/contacts/settings", permission="contacts:read", returns=schemas.ContactSettingsOut)
def read_settings(uow: UnitOfWork) -> ContactSettings:
    return queries.get_settings(uow)


@api.put("/contacts/settings", permission="contacts:configure", body=schemas.ContactSettingsIn, returns=schemas.ContactSettingsOut)
def change_settings(uow: UnitOfWork, body: schemas.ContactSettingsIn) -> ContactSettings:
    return actions.change_settings(uow, body)
