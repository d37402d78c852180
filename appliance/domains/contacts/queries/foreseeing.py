"""Who is named, found out before anybody's turn to write is taken."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.queries.people import find_contacts, find_owners
from appliance.domains.contacts.queries.preferences import get_settings
from appliance.domains.contacts.rules import fields as field_rules
from appliance.domains.contacts.rules import identities as identity_rules
from appliance.domains.contacts.rules.fields import Given
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Foreseen, Identity, Unforeseen

Named = tuple[Iterable[Identity], ContactFields]
_Said = tuple[list[Identity], Given]


def foresee(uow: UnitOfWork, named: Sequence[Named]) -> list[Foreseen | Unforeseen]:
    """For each what `upsert_contact(claimed=True)` would make of them, one after the other."""
    region = get_settings(uow).default_region
    said = [_understood(one, region) for one in named]
    owners = find_owners(uow, {form for one in said if one for form in identity_rules.all_forms(one[0])})
    known = find_contacts(uow, set(owners.values()))
    met: set[Identity | UUID] = set()
    found: list[Foreseen | Unforeseen] = []
    for one in said:
        if one is None:  # who it is shows only when it is stored: nothing is known of those behind it
            return [*found, Unforeseen.ALONE, *[Unforeseen.LATER] * (len(said) - len(found) - 1)]
        theirs = identity_rules.in_order(one[0], owners)
        marks: set[Identity | UUID] = {*identity_rules.all_forms(one[0]), *theirs}
        found.append(Unforeseen.LATER if marks & met else _foreseen(one, theirs, known))
        met |= marks
    return found


def _understood(named: Named, region: str) -> _Said | None:
    try:
        return field_rules.understood(named[0], named[1].model_dump(exclude_unset=True), region)
    except InvalidField:
        return None


def _foreseen(said: _Said, theirs: Sequence[UUID], known: Mapping[UUID, Contact]) -> Foreseen | Unforeseen:
    wanted, kept = said
    if not theirs:
        return Foreseen(new_id(), columns=field_rules.with_shown(wanted, kept), identities=tuple(wanted))
    contact = known.get(theirs[0])
    if contact is None or len(theirs) > 1 or _adds_something(contact, field_rules.without_ids(kept)):
        return Unforeseen.ALONE
    return Foreseen(contact.id, contact.version, identities=tuple(wanted))


def _adds_something(contact: Contact, kept: Given) -> bool:
    added = field_rules.completion({column: getattr(contact, column) for column in (*kept, "phone_e164", "phone_raw")}, kept)
    return any(getattr(contact, column) != value for column, value in added.items())
