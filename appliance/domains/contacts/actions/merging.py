from uuid import UUID

from sqlalchemy import select, update

from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.actions.timeline import add_timeline_entry
from appliance.domains.contacts.errors import MergeRefused
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.contacts.rules import fields, merges
from appliance.domains.contacts.tables import (
    AwaitedConsent,
    Consent,
    Contact,
    ContactDuplicate,
    ContactIdentity,
    ContactMerge,
    ContactNote,
    SegmentMember,
    TimelineEntry,
)
from appliance.domains.contacts.types import DuplicateState

_Moved = type[ContactIdentity | Consent | AwaitedConsent | ContactNote | SegmentMember | TimelineEntry]
_MOVED: dict[str, _Moved] = {
    table.__tablename__: table for table in (ContactIdentity, Consent, AwaitedConsent, ContactNote, SegmentMember, TimelineEntry)
}
_FILLED = ("name", "company", "email", "phone_e164", "phone_raw", "wa_lid", "document", "born_on", "region", "owner_id")
_SLICE = 1000


def merge_contacts(uow: UnitOfWork, kept_id: UUID, gone_id: UUID) -> ContactMerge:
    """Make two contacts one. What `kept` lacks it takes from `gone`; the other domains move theirs on ContactsMerged.

    Raises ContactNotFound, MergeRefused.
    """
    kept, gone = queries.get_contact(uow, kept_id), queries.get_contact(uow, gone_id)
    if kept.id == gone.id:
        raise MergeRefused(_("These are already one contact."))
    if queries.is_group_among(uow, {kept.id, gone.id}):
        raise MergeRefused(_("A group is many people: it becomes nobody's contact."))
    merge = ContactMerge(
        tenant_id=uow.tenant_id,
        kept_id=kept.id,
        gone_id=gone.id,
        moved={name: _ids_of(uow, table, gone.id) for name, table in _MOVED.items()} | _memberships(uow, kept.id, gone.id),
        filled=[column for column in _FILLED if getattr(gone, column) and not getattr(kept, column)],
        added_tags=sorted(set(gone.tags) - set(kept.tags)),
        merged_at=uow.now,
    )
    uow.session.add(merge)
    _move(uow, merge, to=kept.id)
    writing.fill(uow, kept, {column: getattr(gone, column) for column in (*merge.filled, "tags", "attributes")})
    gone.merged_into_id = kept.id
    uow.session.flush()
    _settle(uow, kept.id, gone.id, state=DuplicateState.MERGED, merge_id=merge.id)
    add_timeline_entry(uow, kept.id, kind="contacts.merged", object_id=merge.id, summary=gone.name)
    uow.emit(ContactsMerged(merge.id, kept.id, gone.id))
    return merge


def undo_merge(uow: UnitOfWork, merge_id: UUID) -> ContactMerge:
    """Part the two again, each with what it had; what came after stays with the kept one. Raises MergeNotFound, MergeRefused."""
    merge = queries.get_merge(uow, merge_id)
    kept = queries.get_contact(uow, merge.kept_id)
    merges.check_may_undo(
        merged_at=merge.merged_at, undone_at=merge.undone_at, merged_again=kept.id != merge.kept_id, now=uow.now
    )
    gone = uow.session.get_one(Contact, merge.gone_id)
    _move(uow, merge, to=gone.id)
    taken = {column: _blank(column) for column in merge.filled if getattr(kept, column) == getattr(gone, column)}
    writing.write(uow, kept, {**taken, "tags": [tag for tag in kept.tags if tag not in merge.added_tags]})
    kept.phone_invalid = fields.is_phone_invalid(kept.phone_raw, kept.phone_e164)
    gone.merged_into_id, merge.undone_at = None, uow.now
    _settle(uow, kept.id, gone.id, state=DuplicateState.DISMISSED, merge_id=None)
    add_timeline_entry(uow, kept.id, kind="merge.undone", object_id=merge.id, summary=gone.name)
    uow.emit(MergeUndone(merge.id, kept.id, gone.id))
    return merge


def _ids_of(uow: UnitOfWork, table: _Moved, contact_id: UUID) -> list[str]:
    return [str(row_id) for row_id in uow.session.scalars(select(table.id).where(table.contact_id == contact_id))]


def _memberships(uow: UnitOfWork, kept_id: UUID, gone_id: UUID) -> dict[str, list[str]]:
    """Lists that only the one who goes is in: where both are, each keeps their own place for the day that they are parted."""
    both = select(SegmentMember.segment_id).where(SegmentMember.contact_id == kept_id)
    moved = select(SegmentMember.id).where(SegmentMember.contact_id == gone_id, SegmentMember.segment_id.not_in(both))
    return {SegmentMember.__tablename__: [str(row_id) for row_id in uow.session.scalars(moved)]}


def _move(uow: UnitOfWork, merge: ContactMerge, *, to: UUID) -> None:
    for name, table in _MOVED.items():
        row_ids = [UUID(row_id) for row_id in merge.moved[name]]
        for start in range(0, len(row_ids), _SLICE):
            uow.session.execute(update(table).where(table.id.in_(row_ids[start : start + _SLICE])).values(contact_id=to))


def _settle(uow: UnitOfWork, kept_id: UUID, gone_id: UUID, *, state: DuplicateState, merge_id: UUID | None) -> None:
    """Whoever merges two, or parts them again, has also said whether they are one."""
    first, second = sorted((kept_id, gone_id))
    same = update(ContactDuplicate).where(ContactDuplicate.first_id == first, ContactDuplicate.second_id == second)
    uow.session.execute(same.values(state=state, merge_id=merge_id, decided_at=uow.now, decided_by=uow.actor.name[:200]))


def _blank(column: str) -> str | None:
    return "" if column == "name" else None
