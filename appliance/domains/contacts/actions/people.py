from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.actions.timeline import add_timeline_entries
from appliance.domains.contacts.errors import StaleContact
from appliance.domains.contacts.events import ContactChanged, ContactCreated
from appliance.domains.contacts.rules import fields as field_rules
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Channel
from appliance.domains.identity import queries as identity


def create_contact(uow: UnitOfWork, fields: ContactFields) -> Contact:
    """Raises InvalidField, IdentityTaken."""
    identity.check_is_member(uow, fields.owner_id, "owner_id")
    kept = _columns(uow, fields)
    contact = writing.new_contact(uow)
    writing.write(uow, contact, kept)
    uow.session.flush()
    writing.claim(uow, contact, field_rules.identities_in(kept))
    announce_new(uow, [contact.id])
    return contact


def announce_new(uow: UnitOfWork, contact_ids: Collection[UUID]) -> None:
    """Of contacts made in this unit."""
    add_timeline_entries(uow, "contact.created", {contact_id: contact_id for contact_id in contact_ids})
    uow.emit_all(ContactCreated(contact_id) for contact_id in contact_ids)


def change_contact(uow: UnitOfWork, contact_id: UUID, fields: ContactFields, *, expected_version: int | None = None) -> Contact:
    """Write the given fields. Raises ContactNotFound, InvalidField, IdentityTaken; StaleContact past `expected_version`."""
    contact = queries.lock_contact(uow, contact_id)
    if expected_version not in (None, contact.version):
        raise StaleContact
    if fields.owner_id != contact.owner_id:  # one who left stays with what was theirs
        identity.check_is_member(uow, fields.owner_id, "owner_id")
    kept = _columns(uow, fields)
    before = writing.own_identities(contact)
    if not writing.write(uow, contact, kept):
        return contact
    after = writing.own_identities(contact)
    writing.drop(uow, contact, set(before) - set(after))
    writing.claim(uow, contact, after)
    uow.emit(ContactChanged(contact.id))
    return contact


def _columns(uow: UnitOfWork, fields: ContactFields) -> dict[str, object]:
    return field_rules.columns(fields.model_dump(exclude_unset=True), queries.get_settings(uow).default_region)


def record_seen(uow: UnitOfWork, contact_id: UUID, channel: Channel, at: datetime) -> None:
    """The person wrote or called. Not a change anybody needs to be told of."""
    contact = queries.get_contact(uow, contact_id)
    if contact.last_seen_at is None or contact.last_seen_at < at:
        contact.last_channel, contact.last_seen_at = channel, at
