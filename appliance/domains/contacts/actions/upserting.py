from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.actions.merging import merge_contacts
from appliance.domains.contacts.actions.people import announce_new
from appliance.domains.contacts.events import ContactChanged
from appliance.domains.contacts.rules import fields as field_rules
from appliance.domains.contacts.rules import identities as identity_rules
from appliance.domains.contacts.rules.fields import Given
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Identity, IdentityKind
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
    given = list(identities)
    if fields is not None and "owner_id" in fields.model_fields_set:
        check_is_member(uow, fields.owner_id, "owner_id")
    region = queries.get_settings(uow).default_region
    kept = field_rules.columns(_with_phone(fields, given), region)
    wanted = identity_rules.normalise([*given, *field_rules.identities_in(kept)], region)
    if not wanted and not kept:
        raise Refused(_("Give at least one e-mail, phone or id of the person."))
    try:
        with uow.session.begin_nested():
            return _upsert(uow, wanted, kept, overwrite=overwrite, one_person=one_person, claimed=claimed)
    except IntegrityError:  # somebody stored one of these ids a moment before us; now we see whose it is
        return _upsert(uow, wanted, kept, overwrite=overwrite, one_person=one_person, claimed=claimed)


def _with_phone(fields: ContactFields | None, given: Iterable[Identity]) -> dict[str, object]:
    """A phone is also kept the way it came, even when it is none."""
    said = fields.model_dump(exclude_unset=True) if fields else {}
    phones = [identity.value for identity in given if identity.kind is IdentityKind.PHONE]
    return {"phone": phones[0], **said} if phones else said


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
    for other in others if one_person else ():
        merge_contacts(uow, contact.id, other)
    return contact


def _create(uow: UnitOfWork, wanted: list[Identity], kept: Given) -> Contact:
    contact = writing.new_contact(uow)
    writing.write(uow, contact, _with_shown(wanted, kept))
    _attach_all(uow, contact, wanted)
    announce_new(uow, contact)
    return contact


def _complete(
    uow: UnitOfWork, contact: Contact, wanted: list[Identity], kept: Given, owners: Mapping[Identity, UUID], *, overwrite: bool
) -> bool:
    """With what belongs to nobody else. True when that changed something."""
    new = [identity for identity in wanted if not identity_rules.in_order([identity], owners)]
    theirs = field_rules.columns_of(i for i in wanted if {*identity_rules.in_order([i], owners)} - {contact.id})
    ours = {column: value for column, value in _with_shown(new, kept).items() if value is None or value != theirs.get(column)}
    written = writing.write(uow, contact, ours) if overwrite else writing.fill(uow, contact, ours)
    _attach_all(uow, contact, new)
    return written or bool(new)


def _with_shown(identities: list[Identity], kept: Given) -> Given:
    """The columns to write: those of the ids, and what was said on top."""
    said = {column: value for column, value in kept.items() if value is not None}
    return {**kept, **field_rules.columns_of(identities), **said}


def _attach_all(uow: UnitOfWork, contact: Contact, identities: list[Identity]) -> None:
    uow.session.flush()
    for identity in identities:
        writing.attach(uow, contact, identity)
    uow.session.flush()
