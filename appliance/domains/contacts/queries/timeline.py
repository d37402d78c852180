from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.paging import read_page
from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.contacts.errors import MergeNotFound
from appliance.domains.contacts.queries.people import get_contact
from appliance.domains.contacts.tables import ContactMerge, ContactNote, TimelineEntry


def list_timeline(uow: UnitOfWork, contact_id: UUID, query: PageQuery) -> Page[TimelineEntry]:
    """Everything that happened with this person, in all domains, newest first."""
    contact = get_contact(uow, contact_id)
    entries = select(TimelineEntry).where(TimelineEntry.contact_id == contact.id)
    return read_page(uow, entries.order_by(TimelineEntry.happened_at.desc(), TimelineEntry.id.desc()), query)


def list_notes(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactNote]:
    contact = get_contact(uow, contact_id)
    notes = select(ContactNote).where(ContactNote.contact_id == contact.id)
    return uow.session.scalars(notes.order_by(ContactNote.written_at.desc(), ContactNote.id.desc()).limit(200)).all()


def find_notes(uow: UnitOfWork, note_ids: Collection[UUID]) -> dict[UUID, ContactNote]:
    return {note.id: note for note in uow.session.scalars(select(ContactNote).where(ContactNote.id.in_(note_ids)))}


def get_merge(uow: UnitOfWork, merge_id: UUID) -> ContactMerge:
    return required(uow.session.get(ContactMerge, merge_id), MergeNotFound)


def list_merges(uow: UnitOfWork, contact_id: UUID) -> Sequence[ContactMerge]:
    """Merges into this contact, newest first."""
    into = select(ContactMerge).where(ContactMerge.kept_id == contact_id)
    return uow.session.scalars(into.order_by(ContactMerge.merged_at.desc(), ContactMerge.id.desc()).limit(100)).all()
