from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.actions.duplicates import suggest
from appliance.domains.contacts.actions.merging import merge_contacts
from appliance.domains.contacts.actions.people import announce_new
from appliance.domains.contacts.events import ContactChanged
from appliance.domains.contacts.rules import fields as field_rules
from appliance.domains.contacts.rules import identities as identity_rules
from appliance.domains.contacts.rules.duplicates import pair
from appliance.domains.contacts.rules.fields import Given
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Foreseen, Identity, Likeness
from appliance.domains.identity.queries import check_is_member


def upsert_contact(
    uow: UnitOfWork,
    identities: Iterable[Identity],
    *,
    fields: ContactFields | None = None,
    overwrite: bool = False,
    one_person: bool = False,
    claimed: bool = False,
) -> Contact:
    """The contact these ids mean, made when nobody has them; ids that nobody had become its own.

    `fields` complete what is blank, or replace it with `overwrite`. `one_person`: the network itself vouches that the ids
    are one person's, so contacts that had them apart are merged. `claimed`: somebody merely typed them, so whom they recognise
    gains no id, address or document by it. Raises Refused when nothing recognises the person.
    """
    if fields is not None and "owner_id" in fields.model_fields_set:
        check_is_member(uow, fields.owner_id, "owner_id")
    region = queries.get_settings(uow).default_region
    wanted, kept = field_rules.understood(identities, fields.model_dump(exclude_unset=True) if fields else {}, region)
    if not wanted and not kept:
        raise Refused(_("Give at least one e-mail, phone or id of the person."))
    try:
        with uow.session.begin_nested():
            return _upsert(uow, wanted, kept, overwrite=overwrite, one_person=one_person, claimed=claimed)
    except IntegrityError:  # somebody stored one of these ids a moment before us; now we see whose it is
        return _upsert(uow, wanted, kept, overwrite=overwrite, one_person=one_person, claimed=claimed)


def upsert_foreseen(uow: UnitOfWork, foreseen: Sequence[Foreseen]) -> set[UUID]:
    """Those of them of whom it still holds, the new ones made all at once. Returns their contacts' ids.

    An IntegrityError says that somebody stored an id of theirs a moment before us.
    """
    owned = queries.find_owners(uow, identity_rules.all_forms(identity for one in foreseen for identity in one.identities))
    owners = {one.contact_id: identity_rules.in_order(one.identities, owned) for one in foreseen}
    free = [one for one in foreseen if not (one.version or owners[one.contact_id])]
    claims = {identity: one.contact_id for one in free for identity in one.identities}
    made = {one.contact_id: one.columns for one in free}
    writing.insert_people(uow, made, claims)
    announce_new(uow, made)
    known = {one.contact_id: one.version for one in foreseen if one.version and owners[one.contact_id] == [one.contact_id]}
    return made.keys() | queries.hold_unchanged(uow, known)


def _upsert(
    uow: UnitOfWork, wanted: list[Identity], kept: Given, *, overwrite: bool, one_person: bool, claimed: bool
) -> Contact:
    owners = queries.find_owners(uow, identity_rules.all_forms(wanted))
    if not owners:
        return _create(uow, wanted, kept)
    best, *others = identity_rules.in_order(wanted, owners)
    contact = queries.get_contact(uow, best)
    if claimed:
        wanted, kept = [], field_rules.without_ids(kept)
    if _complete(uow, contact, wanted, kept, owners, overwrite=overwrite):
        uow.emit(ContactChanged(contact.id))
    if one_person:
        for other in others:
            merge_contacts(uow, contact.id, other)
    elif others:
        suggest(uow, [pair(contact.id, other, Likeness.SAID_TOGETHER) for other in others])
    return contact


def _create(uow: UnitOfWork, wanted: list[Identity], kept: Given) -> Contact:
    contact = writing.new_contact(uow)
    writing.write(uow, contact, field_rules.with_shown(wanted, kept))
    _attach_all(uow, contact, wanted)
    announce_new(uow, [contact.id])
    return contact


def _complete(
    uow: UnitOfWork, contact: Contact, wanted: list[Identity], kept: Given, owners: Mapping[Identity, UUID], *, overwrite: bool
) -> bool:
    """With what belongs to nobody else. True when that changed something."""
    new = [identity for identity in wanted if not identity_rules.in_order([identity], owners)]
    theirs = field_rules.columns_of(i for i in wanted if {*identity_rules.in_order([i], owners)} - {contact.id})
    ours = {column: value for column, value in field_rules.with_shown(new, kept).items() if value is None or value != theirs.get(column)}
    written = writing.write(uow, contact, ours) if overwrite else writing.fill(uow, contact, ours)
    _attach_all(uow, contact, new)
    return written or bool(new)


def _attach_all(uow: UnitOfWork, contact: Contact, identities: list[Identity]) -> None:
    uow.session.flush()
    for identity in identities:
        writing.attach(uow, contact, identity)
    uow.session.flush()
