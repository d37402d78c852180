from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema
from appliance.domains.contacts import schemas
from appliance.domains.contacts.queries.consents import list_consents
from appliance.domains.contacts.queries.people import get_contact, list_identities
from appliance.domains.contacts.queries.timeline import list_notes
from appliance.domains.contacts.tables import TimelineEntry


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """Everything this domain holds about a person, as JSON-ready values."""
    contact = get_contact(uow, contact_id)
    timeline = select(TimelineEntry).where(TimelineEntry.contact_id == contact.id).order_by(TimelineEntry.happened_at)
    return {
        "contact": _plain(schemas.ContactOut, contact),
        "identities": [_plain(schemas.IdentityOut, row) for row in list_identities(uow, contact.id)],
        "consents": [_plain(schemas.ConsentOut, row) for row in list_consents(uow, contact.id)],
        "notes": [_plain(schemas.NoteOut, row) for row in list_notes(uow, contact.id)],
        "timeline": [_plain(schemas.TimelineEntryOut, row) for row in uow.session.scalars(timeline)],
    }


def _plain(schema: type[Schema], row: object) -> object:
    return schema.model_validate(row).model_dump(mode="json")
