from uuid import UUID

from sqlalchemy import delete

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.errors import ContactNotFound
from appliance.domains.contacts.events import ContactDeleted
from appliance.domains.contacts.tables import (
    AwaitedConsent,
    Consent,
    Contact,
    ContactIdentity,
    ContactMerge,
    ContactNote,
    ContactTag,
    SegmentMember,
    TimelineEntry,
)

_OWNED = (ContactIdentity, ContactTag, ContactNote, TimelineEntry, Consent, AwaitedConsent, SegmentMember)


def delete_contact(uow: UnitOfWork, contact_id: UUID) -> None:
    """Raises ContactNotFound. What other domains hold of the person goes in the same transaction, by their erasers."""
    contact = queries.get_contact(uow, contact_id)
    for person in queries.list_with_merged(uow, contact.id):
        for erase in uow.box.registry.erasers:
            if erase is not erase_contact:
                erase(uow, person)
    erase_contact(uow, contact.id)
    uow.emit(ContactDeleted(contact.id))


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """Delete the person and everybody merged into them, with all that hangs on them. Returns how many rows went, 0 for nobody."""
    try:
        gone = queries.list_with_merged(uow, queries.get_contact(uow, contact_id).id)
    except ContactNotFound:
        return 0
    doomed = [
        delete(ContactMerge).where(ContactMerge.kept_id.in_(gone)).returning(ContactMerge.id),
        *(delete(table).where(table.contact_id.in_(gone)).returning(table.id) for table in _OWNED),
        delete(Contact).where(Contact.id.in_(gone)).returning(Contact.id),
    ]
    return sum(len(uow.session.scalars(statement).all()) for statement in doomed)
