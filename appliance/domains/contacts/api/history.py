from collections.abc import Sequence
from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries, schemas
from appliance.domains.contacts.tables import Consent, ContactNote, TimelineEntry

api = web.Api("contact_history")


@api.get(
    "/contacts/<uuid:contact_id>/timeline", permission="contacts:read", query=web.PageQuery, returns=web.PageOf[schemas.TimelineEntryOut]
)
def list_timeline(uow: UnitOfWork, contact_id: UUID, query: web.PageQuery) -> web.Page[TimelineEntry]:
    return queries.list_timeline(uow, contact_id, query)


@api.get("/contacts/<uuid:contact_id>/notes", permission="contacts:read", returns=list[schemas.NoteOut])
def list_notes(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactNote]:
    return queries.list_notes(uow, contact_id)


@api.post("/contacts/<uuid:contact_id>/notes", permission="contacts:write", body=schemas.NoteIn, returns=schemas.NoteOut, status=201)
def add_note(uow: UnitOfWork, contact_id: UUID, body: schemas.NoteIn) -> ContactNote:
    return actions.add_note(uow, contact_id, body.body)


@api.get("/contacts/<uuid:contact_id>/consents", permission="contacts:read", returns=list[schemas.ConsentOut])
def list_consents(uow: UnitOfWork, contact_id: UUID) -> Sequence[Consent]:
    return queries.list_consents(uow, contact_id)


@api.post(
    "/contacts/<uuid:contact_id>/consents", permission="contacts:write", body=schemas.SaidConsentIn, returns=schemas.ConsentOut, status=201
)
def record_consent(uow: UnitOfWork, contact_id: UUID, body: schemas.SaidConsentIn) -> Consent:
    return actions.record_consent(uow, contact_id, body)
