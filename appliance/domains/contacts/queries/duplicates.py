"""Contacts that may be one person."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased

from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.suspension import is_suspended
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page
from appliance.domains.contacts.errors import DuplicateNotFound
from appliance.domains.contacts.rules.duplicates import Card
from appliance.domains.contacts.schemas import DuplicatesQuery
from appliance.domains.contacts.tables import Contact, ContactDuplicate, ContactIdentity
from appliance.domains.contacts.types import DuplicateState, IdentityKind

_FIRST, _SECOND = aliased(Contact), aliased(Contact)


def get_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    return required(uow.session.get(ContactDuplicate, duplicate_id), DuplicateNotFound)


def lock_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    return required(uow.session.scalar(locked(select(ContactDuplicate).where(ContactDuplicate.id == duplicate_id))), DuplicateNotFound)


def list_duplicates(uow: UnitOfWork, query: DuplicatesQuery) -> Page[ContactDuplicate]:
    """Open ones the likeliest first; decided ones the latest first."""
    found = _pairs(query.state)
    latest = (ContactDuplicate.decided_at.desc(), ContactDuplicate.id.desc())
    likeliest = (ContactDuplicate.score.desc(), ContactDuplicate.id)
    return read_page(uow, found.order_by(*(likeliest if query.state is DuplicateState.OPEN else latest)), query)


def _pairs(state: DuplicateState) -> Select[ContactDuplicate]:
    """Of those who became part of somebody else meanwhile nothing is asked."""
    found = select(ContactDuplicate).where(ContactDuplicate.state == state)
    if state is DuplicateState.MERGED:
        return found
    both = found.join(_FIRST, _FIRST.id == ContactDuplicate.first_id).join(_SECOND, _SECOND.id == ContactDuplicate.second_id)
    return both.where(_FIRST.merged_into_id.is_(None), _SECOND.merged_into_id.is_(None))


def list_names_after(uow: UnitOfWork, after: UUID | None, *, limit: int) -> Sequence[Card]:
    """What is needed of the next contacts, in order of id, to see who looks like whom."""
    walk = _cards().order_by(Contact.id).limit(limit)
    return [Card(*row) for row in uow.session.execute(walk if after is None else walk.where(Contact.id > after))]


def list_cards(uow: UnitOfWork, contact_ids: Collection[UUID]) -> dict[UUID, Card]:
    return {card.id: card for card in (Card(*row) for row in uow.session.execute(_cards().where(Contact.id.in_(contact_ids))))}


def list_organisations(uow: UnitOfWork) -> Sequence[UUID]:
    """Those with contacts that are not suspended; needs the box scope."""
    own = select(Contact.tenant_id).where(~is_suspended(uow, Contact.tenant_id))
    return uow.session.scalars(own.group_by(Contact.tenant_id).having(func.count(Contact.id) > 1)).all()


def _cards() -> Select[UUID, str, str | None, str | None, str | None, bytes | None]:
    columns = (Contact.id, Contact.name, Contact.company, Contact.email, Contact.phone_e164, Contact.document_index)
    is_group = exists().where(ContactIdentity.contact_id == Contact.id, ContactIdentity.kind == IdentityKind.WHATSAPP_GROUP)
    return select(*columns).where(Contact.merged_into_id.is_(None), ~is_group)
