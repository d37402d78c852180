from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from appliance.core.ids import new_id
from appliance.core.rows import insert_absent
from appliance.core.shortening import shortened
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.events import NoteAdded
from appliance.domains.contacts.tables import ContactNote, TimelineEntry

SUMMARY_LENGTH = 200


def add_timeline_entry(
    uow: UnitOfWork, contact_id: UUID, *, kind: str, object_id: UUID, summary: str = "", happened_at: datetime | None = None
) -> None:
    """The door for all domains: say once what happened with a person. The same (kind, object) again is the same entry.

    `kind` is written like an event (`deal.won`); pages have the words for it. `summary` is the person's content, if any.
    """
    add_timeline_entries(uow, kind, {object_id: queries.get_contact(uow, contact_id).id}, summary=summary, happened_at=happened_at)


def add_timeline_entries(
    uow: UnitOfWork, kind: str, about: Mapping[UUID, UUID], *, summary: str = "", happened_at: datetime | None = None
) -> None:
    """The same of many at once: object -> the contact as it is called now."""
    same = {
        "tenant_id": uow.tenant_id, "kind": kind, "summary": shortened(summary, SUMMARY_LENGTH), "actor_name": uow.actor.name,
        "happened_at": happened_at or uow.now,
    }  # fmt: skip
    entries = [{**same, "id": new_id(), "object_id": object_id, "contact_id": contact_id} for object_id, contact_id in about.items()]
    if entries:
        insert_absent(uow, TimelineEntry, entries)


def reword_timeline_entry(uow: UnitOfWork, object_id: UUID, summary: str) -> None:
    """What it is about says something else now. What is not in the story yet comes as it is then."""
    about = update(TimelineEntry).where(TimelineEntry.object_id == object_id)
    uow.session.execute(about.values(summary=shortened(summary, SUMMARY_LENGTH)))


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
