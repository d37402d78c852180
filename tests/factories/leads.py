"""Sources of leads, and leads that came through them."""

import json
from typing import Any
from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.leads import actions
from appliance.domains.leads.queries import SECRET
from appliance.domains.leads.schemas import SourceIn
from appliance.domains.leads.tables import LeadSource
from appliance.domains.leads.types import Arrived, Captured, Parcel, Receipt

DAVI = {"nome": "Davi Rocha", "email": "Davi@Loja.example", "telefone": "(11) 98000-1234", "utm": {"utm_campaign": "natal"}}


def make_source(uow: UnitOfWork, **fields: object) -> LeadSource:
    return actions.create_source(uow, SourceIn.model_validate({"name": "Landing page", **fields}))


def capture(uow: UnitOfWork, source_id: UUID, payload: object, *, event_id: str | None = None, **more: Any) -> Captured:
    """Without `event_id` each is an event of its own; with an empty one it names none."""
    named = new_id().hex if event_id is None else event_id
    return actions.capture_lead(uow, source_id, Arrived(named, json.dumps(payload), payload, **more))


def make_lead(uow: UnitOfWork) -> UUID:
    return capture(uow, make_source(uow).id, DAVI).lead_id


def make_receipt(uow: UnitOfWork) -> UUID:
    source = make_source(uow)
    [kept] = actions.accept_leads(uow, source.id, source.secrets[SECRET], [Parcel("e1", json.dumps(DAVI))])
    assert isinstance(kept, Receipt)
    return kept.id


PATH_PARAMETERS = {
    "source_id": lambda uow: make_source(uow).id,
    "form_id": lambda uow: make_source(uow, kind="form").id,
    "lead_id": make_lead,
    "receipt_id": make_receipt,
}
