import json
from collections.abc import Sequence
from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.leads import actions, queries, schemas
from appliance.domains.leads.tables import Lead, LeadEvent
from appliance.domains.leads.types import Arrived, Captured

api = web.Api("leads")
READ, WRITE = "leads:read", "leads:write"


@api.get("/leads", permission=READ, query=schemas.LeadsQuery, returns=web.PageOf[schemas.LeadOut])
def list_leads(uow: UnitOfWork, query: schemas.LeadsQuery) -> web.Page[Lead]:
    return queries.list_leads(uow, query)


@api.post("/leads", permission=WRITE, body=schemas.LeadIn, returns=schemas.CapturedOut, status=201)
def capture_lead(uow: UnitOfWork, body: schemas.LeadIn) -> Captured:
    """Through a source of any kind, with its mapping, by somebody signed in instead of a signature."""
    arrived = Arrived(body.event_id, json.dumps(body.payload, ensure_ascii=False), body.payload)
    return actions.capture_lead(uow, body.source_id, arrived)


@api.get("/leads/<uuid:lead_id>", permission=READ, returns=schemas.LeadOut)
def read_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return queries.get_lead(uow, lead_id)


@api.patch("/leads/<uuid:lead_id>", permission=WRITE, body=schemas.LeadPatch, returns=schemas.LeadOut)
def change_lead(uow: UnitOfWork, lead_id: UUID, body: schemas.LeadPatch) -> Lead:
    return actions.change_lead(uow, lead_id, body)


@api.post("/leads/<uuid:lead_id>/convert", permission=WRITE, returns=schemas.LeadOut)
def convert_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return actions.convert_lead(uow, lead_id)


@api.get("/leads/<uuid:lead_id>/events", permission=READ, returns=list[schemas.LeadEventOut])
def list_events(uow: UnitOfWork, lead_id: UUID) -> Sequence[LeadEvent]:
    return queries.list_events(uow, queries.get_lead(uow, lead_id).id)
