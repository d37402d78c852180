from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, true
from sqlalchemy.orm import selectinload

from appliance.core.folding import fold
from appliance.core.paging import count_rows, read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page
from appliance.domains.contacts.errors import ContactNotFound
from appliance.domains.contacts.queries.conditions import agreed_to, present
from appliance.domains.contacts.queries.preferences import document_index, get_settings
from appliance.domains.contacts.queries.segments import in_segment
from appliance.domains.contacts.rules import documents, identities
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.schemas import ContactFilter, ContactsQuery
from appliance.domains.contacts.tables import Contact, ContactIdentity, ContactTag
from appliance.domains.contacts.types import ContactSort, Identity, IdentityKind

_ORDERS: dict[ContactSort, tuple[ColumnElement[Any], ...]] = {
    ContactSort.NAME: (Contact.name.asc(), Contact.id.asc()),
    ContactSort.NEWEST: (Contact.created_at.desc(), Contact.id.desc()),
    ContactSort.LAST_SEEN: (Contact.last_seen_at.desc().nulls_last(), Contact.id.desc()),
}


def get_contact(uow: UnitOfWork, contact_id: UUID) -> Contact:
    """An id that was merged away answers with the contact it became. Raises ContactNotFound."""
    found = required(uow.session.get(Contact, contact_id, options=[selectinload(Contact.tag_rows)]), ContactNotFound)
    return found if found.merged_into_id is None else get_contact(uow, found.merged_into_id)


def lock_contact(uow: UnitOfWork, contact_id: UUID) -> Contact:
    """The same contact, for whoever is going to change it. Raises ContactNotFound."""
    held = required(uow.session.scalar(locked(_named(get_contact(uow, contact_id).id))), ContactNotFound)
    return held if held.merged_into_id is None else lock_contact(uow, held.merged_into_id)


def _named(contact_id: UUID) -> Select[Contact]:
    return select(Contact).where(Contact.id == contact_id).options(selectinload(Contact.tag_rows))


def find_contacts(uow: UnitOfWork, contact_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Many at once, by id, for lists of other things. Merged ids are left out."""
    rows = uow.session.scalars(present().where(Contact.id.in_(contact_ids)))
    return {contact.id: contact for contact in rows}


def find_with_merged(uow: UnitOfWork, contact_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Many at once under the ids they had, also who was merged away since: for what is told of a merge."""
    rows = uow.session.scalars(select(Contact).where(Contact.id.in_(contact_ids)).options(selectinload(Contact.tag_rows)))
    return {contact.id: contact for contact in rows}


def hold_unchanged(uow: UnitOfWork, versions: Mapping[UUID, int]) -> set[UUID]:
    """Those of these contacts that are as they were, for as long as the unit lasts."""
    if not versions:
        return set()
    present = select(Contact.id, Contact.version).where(Contact.id.in_(versions), Contact.merged_into_id.is_(None))
    held = present.order_by(Contact.id).with_for_update()  # in one order, so that no two wait for each other
    return {contact_id for contact_id, version in uow.session.execute(held) if version == versions[contact_id]}


def list_with_merged(uow: UnitOfWork, contact_id: UUID) -> list[UUID]:
    """The person's id, and those of everybody who was merged into them."""
    found, newest = [contact_id], [contact_id]
    while newest:
        newest = list(uow.session.scalars(select(Contact.id).where(Contact.merged_into_id.in_(newest))))
        found += newest
    return found


def find_owners(uow: UnitOfWork, wanted: Iterable[Identity]) -> dict[Identity, UUID]:
    """Whose each of exactly these identities is; those of nobody are left out."""
    asked = set(wanted)
    rows = uow.session.scalars(select(ContactIdentity).where(ContactIdentity.value.in_({identity.value for identity in asked})))
    owners = {Identity(row.kind, row.value, row.scope): row.contact_id for row in rows}
    return {identity: owners[identity] for identity in asked & owners.keys()}


def is_theirs(uow: UnitOfWork, contact_id: UUID, identity: Identity) -> bool:
    """In any form in which it may be written."""
    written = identities.normalise([identity], get_settings(uow).default_region)
    return contact_id in find_owners(uow, identities.all_forms(written)).values()


def find_names(uow: UnitOfWork, wanted: Collection[Identity]) -> dict[Identity, str]:
    """What we call whoever has each of these, in any form in which it may be written. Those of nobody with a name are left out."""
    forms = {one: identities.all_forms(identities.normalise([one], "")) for one in wanted}
    values = {form.value for written in forms.values() for form in written}
    named = select(ContactIdentity.kind, ContactIdentity.value, ContactIdentity.scope, Contact.name).join(Contact).where(
        ContactIdentity.value.in_(values), Contact.merged_into_id.is_(None)
    )
    names = {Identity(kind, value, scope): name for kind, value, scope, name in uow.session.execute(named)}
    known = {one: next((names[form] for form in written if form in names), "") for one, written in forms.items()}
    return {one: name for one, name in known.items() if name}


def list_identities(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactIdentity]:
    owned = select(ContactIdentity).where(ContactIdentity.contact_id == contact_id)
    return uow.session.scalars(owned.order_by(ContactIdentity.kind, ContactIdentity.value)).all()


def is_group_among(uow: UnitOfWork, contact_ids: Collection[UUID]) -> bool:
    """Whether one of them stands for a group."""
    groups = select(ContactIdentity.id).where(
        ContactIdentity.contact_id.in_(contact_ids), ContactIdentity.kind == IdentityKind.WHATSAPP_GROUP
    )
    return uow.session.scalar(groups.limit(1)) is not None


def list_known_forms(uow: UnitOfWork, contact_id: UUID) -> list[Identity]:
    """Every way in which somebody may have written one of the person's ids."""
    return identities.all_forms(Identity(one.kind, one.value, one.scope) for one in list_identities(uow, contact_id))


def list_contacts(uow: UnitOfWork, query: ContactsQuery) -> Page[Contact]:
    return read_page(uow, _filtered(uow, query).order_by(*_ORDERS[query.sort]), query)


def count_contacts(uow: UnitOfWork, wanted: ContactFilter) -> int:
    return count_rows(uow, _filtered(uow, wanted))


def list_contacts_after(uow: UnitOfWork, wanted: ContactFilter, after: UUID | None, *, limit: int) -> Sequence[Contact]:
    """The next slice in order of id, for walking through all of them."""
    walk = _filtered(uow, wanted).order_by(Contact.id).limit(limit)
    return uow.session.scalars(walk if after is None else walk.where(Contact.id > after)).all()


def list_tags(uow: UnitOfWork) -> Sequence[str]:
    return uow.session.scalars(select(ContactTag.tag).distinct().order_by(ContactTag.tag).limit(500)).all()


def _filtered(uow: UnitOfWork, wanted: ContactFilter) -> Select[Contact]:
    found = present()
    if wanted.q:
        found = found.where(_matches(uow, wanted.q))
    for tag in tidy_tags(wanted.tag):
        found = found.where(exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag == tag))
    if wanted.owner_id:
        found = found.where(Contact.owner_id == wanted.owner_id)
    if wanted.region:
        found = found.where(Contact.region == wanted.region)
    if wanted.consent:
        found = found.where(agreed_to(wanted.consent))
    if wanted.segment_id:
        found = found.where(in_segment(uow, wanted.segment_id))
    return found


def _matches(uow: UnitOfWork, q: str) -> ColumnElement[bool]:
    words = [Contact.search_text.contains(word, autoescape=True) for word in fold(q).split()]
    document = documents.normalise_document(q)
    named = and_(true(), *words)
    return named if document is None else or_(named, Contact.document_index == document_index(uow, document))
