from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema
from appliance.domains.contacts import schemas
from appliance.domains.contacts.queries.people import get_contact
from appliance.domains.contacts.queries.segments import list_memberships
from appliance.domains.contacts.tables import AwaitedConsent, Consent, ContactIdentity, ContactNote, TimelineEntry

_Held = type[ContactIdentity | Consent | AwaitedConsent | ContactNote | TimelineEntry]
_HELD: dict[str, tuple[_Held, type[Schema]]] = {
    "identities": (ContactIdentity, schemas.IdentityOut),
    "consents": (Consent, schemas.ConsentOut),
    "awaited_consents": (AwaitedConsent, schemas.AwaitedConsentOut),
    "notes": (ContactNote, schemas.NoteOut),
    "timeline": (TimelineEntry, schemas.TimelineEntryOut),
}


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """Everything this domain holds about a person, oldest first, as JSON-ready values."""
    contact = get_contact(uow, contact_id)
    held: dict[str, object] = {"contact": _plain(schemas.ContactOut, contact)}
    for name, (table, schema) in _HELD.items():
        rows = uow.session.scalars(select(table).where(table.contact_id == contact.id).order_by(table.id))
        held[name] = [_plain(schema, row) for row in rows]
    held["segments"] = [_plain(schemas.MembershipOut, one) for one in list_memberships(uow, contact.id)]
    return held


def _plain(schema: type[Schema], row: object) -> object:
    return schema.model_validate(row).model_dump(mode="json")
