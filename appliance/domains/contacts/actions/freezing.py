"""Static segments: lists of people, which change by hand alone."""

from uuid import UUID

from sqlalchemy import delete, func, insert, select

from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, unique
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.events import SegmentChanged
from appliance.domains.contacts.schemas import SegmentTree
from appliance.domains.contacts.tables import Segment, SegmentMember
from appliance.domains.contacts.types import SegmentKind

MOST_MEMBERS = 50_000  # what one transaction writes in some 1.5 s of processor
_SLICE = 1000


def freeze_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    """Who fits now becomes a list. Raises SegmentNotFound, Conflict for what is one already, Refused for too many people."""
    segment = queries.lock_segment(uow, segment_id)
    if segment.kind is SegmentKind.STATIC:
        raise Conflict(_("This is a fixed list already."))
    found = queries.list_fitting(uow, SegmentTree.model_validate(segment.tree), limit=MOST_MEMBERS + 1)
    _check_room(len(found))
    with unique(uow, _("Some of these people were deleted meanwhile. Try again.")):
        for start in range(0, len(found), _SLICE):
            uow.session.execute(insert(SegmentMember), [_row(uow, segment_id, who) for who in found[start : start + _SLICE]])
    _become(uow, segment, SegmentKind.STATIC)
    return segment


def thaw_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    """Back to asking who fits; the list is dropped. Raises SegmentNotFound, Conflict."""
    segment = _lock_static(uow, segment_id)
    uow.session.execute(delete(SegmentMember).where(SegmentMember.segment_id == segment_id))
    _become(uow, segment, SegmentKind.LIVE)
    return segment


def add_member(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> None:
    """Whoever is in the list stays in it. Raises SegmentNotFound, ContactNotFound, Conflict for a live segment, Refused."""
    segment = _lock_static(uow, segment_id)
    contact = queries.lock_contact(uow, contact_id)
    _check_room(1 + (uow.session.scalar(select(func.count(SegmentMember.id)).where(SegmentMember.segment_id == segment_id)) or 0))
    insert_if_absent(uow, SegmentMember, _row(uow, segment_id, contact.id))
    _touch(uow, segment)


def remove_member(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> None:
    """With everybody who was merged into the person. Raises SegmentNotFound, ContactNotFound, Conflict for a live segment."""
    segment = _lock_static(uow, segment_id)
    same = queries.list_with_merged(uow, queries.get_contact(uow, contact_id).id)
    uow.session.execute(delete(SegmentMember).where(SegmentMember.segment_id == segment_id, SegmentMember.contact_id.in_(same)))
    _touch(uow, segment)


def _lock_static(uow: UnitOfWork, segment_id: UUID) -> Segment:
    segment = queries.lock_segment(uow, segment_id)
    if segment.kind is not SegmentKind.STATIC:
        raise Conflict(_("This segment follows its conditions. Make a fixed list of it first."))
    return segment


def _check_room(people: int) -> None:
    if people > MOST_MEMBERS:
        raise Refused(_("A fixed list holds at most %(most)s people. Ask for fewer with another condition.", most=MOST_MEMBERS))


def _row(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> dict[str, object]:
    return {"id": new_id(), "tenant_id": uow.tenant_id, "segment_id": segment_id, "contact_id": contact_id, "added_at": uow.now}


def _become(uow: UnitOfWork, segment: Segment, kind: SegmentKind) -> None:
    segment.kind, segment.frozen_at = kind, uow.now if kind is SegmentKind.STATIC else None
    _touch(uow, segment)


def _touch(uow: UnitOfWork, segment: Segment) -> None:
    segment.changed_at = uow.now
    uow.emit(SegmentChanged(segment.id))
