"""How a contact's row is written: what the other actions share."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, inspect

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.errors import IdentityTaken
from appliance.domains.contacts.rules import identities, text
from appliance.domains.contacts.rules.fields import Given, completion, identities_in
from appliance.domains.contacts.tables import Contact, ContactIdentity, ContactTag
from appliance.domains.contacts.types import Identity

_IN_ONE_GO = {"dml_strategy": "raw"}  # straight to the driver: every row names every column
SEARCHED = ("name", "company", "email", "phone_e164", "phone_raw")


def new_contact(uow: UnitOfWork) -> Contact:
    contact = Contact(tenant_id=uow.tenant_id, name="", attributes={}, created_at=uow.now, changed_at=uow.now, tag_rows=[])
    uow.session.add(contact)
    return contact


def insert_people(uow: UnitOfWork, people: Mapping[UUID, Given], claims: Mapping[Identity, UUID]) -> None:
    """New contacts by their ids, with `claims` that nobody has, in one go."""
    _insert(uow, Contact, [_contact_row(uow, contact_id, columns) for contact_id, columns in people.items()])
    tags = ((contact_id, tag) for contact_id, columns in people.items() for tag in columns.get("tags", ()))
    _insert(uow, ContactTag, [{"id": new_id(), "contact_id": contact_id, "tag": tag} for contact_id, tag in tags])
    _insert(uow, ContactIdentity, [{"id": new_id(), "contact_id": contact_id, **vars(identity)} for identity, contact_id in claims.items()])


def _insert(uow: UnitOfWork, table: type[Contact | ContactTag | ContactIdentity], rows: list[dict[str, Any]]) -> None:
    if rows:
        uow.session.execute(insert(table), [{"tenant_id": uow.tenant_id, **row} for row in rows], execution_options=_IN_ONE_GO)


def _contact_row(uow: UnitOfWork, contact_id: UUID, columns: Given) -> dict[str, Any]:
    row = {**_BLANK, **columns, "id": contact_id, "created_at": uow.now, "changed_at": uow.now}
    row.pop("tags", None)
    if row["document"]:
        row["document_index"] = queries.document_index(uow, row["document"])
    return {**row, "search_text": text.search_text(row[column] for column in SEARCHED)}


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("company", "email", "phone_e164", "phone_raw", "document", "document_index", "born_on", "region")),
    "name": "",
    "phone_invalid": False,
    "attributes": {},
}


def write(uow: UnitOfWork, contact: Contact, kept: Given) -> bool:
    """Set the given columns. True when that changed something."""
    for column, value in kept.items():
        match column:
            case "tags":
                _write_tags(uow, contact, value)
            case "attributes":
                contact.attributes = _updated(contact.attributes, value)
            case "document":
                contact.document, contact.document_index = value, value and queries.document_index(uow, value)
            case _:
                setattr(contact, column, value)
    contact.search_text = text.search_text(getattr(contact, column) for column in SEARCHED)
    changed = uow.session.is_modified(contact)
    if changed and inspect(contact).persistent:
        contact.version += 1
        contact.changed_at = uow.now
    return changed


def fill(uow: UnitOfWork, contact: Contact, kept: Given) -> bool:
    """Complete what is blank and overwrite nothing. True when that changed something."""
    known = {column: getattr(contact, column) for column in (*kept, "phone_e164", "phone_raw")}
    return write(uow, contact, completion(known, kept))


def own_identities(contact: Contact) -> list[Identity]:
    return identities_in({"email": contact.email, "phone_e164": contact.phone_e164})


def claim(uow: UnitOfWork, contact: Contact, wanted: Iterable[Identity]) -> None:
    """Make these ids the contact's own. Raises IdentityTaken when one already means somebody else."""
    for identity in wanted:
        owners = set(queries.find_owners(uow, identities.forms(identity)).values())
        if owners - {contact.id}:
            raise IdentityTaken
        if not owners:
            attach(uow, contact, identity)


def attach(uow: UnitOfWork, contact: Contact, identity: Identity) -> None:
    """Add an id that nobody has."""
    uow.session.add(ContactIdentity(tenant_id=uow.tenant_id, contact_id=contact.id, **vars(identity)))


def drop(uow: UnitOfWork, contact: Contact, unwanted: Iterable[Identity]) -> None:
    for identity in unwanted:
        uow.session.execute(
            delete(ContactIdentity).where(
                ContactIdentity.contact_id == contact.id,
                ContactIdentity.kind == identity.kind,
                ContactIdentity.value == identity.value,
            )
        )


def _write_tags(uow: UnitOfWork, contact: Contact, tags: list[str]) -> None:
    kept = {row.tag: row for row in contact.tag_rows}
    contact.tag_rows[:] = [kept.get(tag) or ContactTag(tenant_id=uow.tenant_id, tag=tag) for tag in tags]


def _updated(attributes: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """A null removes its attribute."""
    return {name: value for name, value in {**attributes, **given}.items() if value is not None}
