from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.events import NoteAdded
from appliance.domains.contacts.tables import ContactNote, TimelineEntry

SUMMARY_LENGTH = 200


def add_timeline_entry(
    uow: UnitOfWork, contact_id: UUID, *, kind: str, object_id: UUID, summary: str = "", happened_at: datetime | None = None
) -> TimelineEntry:
    """The door for all domains: say once what happened with a person. The same (kind, object) again is the same entry.

    `kind` is written like an event (`deal.won`); pages have the words for it. `summary` is the person's content, if any.
    """
    same = select(TimelineEntry).where(TimelineEntry.kind == kind, TimelineEntry.object_id == object_id)
    if (known := uow.session.scalar(same)) is not None:
        return known
    entry = TimelineEntry(
        tenant_id=uow.tenant_id,
        contact_id=queries.get_contact(uow, contact_id).id,
        kind=kind,
        object_id=object_id,
        summary=summary[:SUMMARY_LENGTH],
        actor_name=uow.actor.name,
        happened_at=happened_at or uow.now,
    )
    uow.session.add(entry)
    return entry


def add_note(uow: UnitOfWork, contact_id: UUID, body: str) -> ContactNote:
    contact = queries.get_contact(uow, contact_id)
    note = ContactNote(
        tenant_id=uow.tenant_id,
        contact_id=contact.id,
        author_id=uow.actor.id,
        author_name=uow.actor.name,
        body=body,
        written_at=uow.now,
    )
    uow.session.add(note)
    uow.session.flush()
    add_timeline_entry(uow, contact.id, kind="note.added", object_id=note.id, summary=body)
    uow.emit(NoteAdded(contact.id, note.id))
    return note
