from uuid import UUID

from sqlalchemy import select

from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import check_room
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.events import SegmentChanged
from appliance.domains.contacts.queries.segments import MOST_SEGMENTS
from appliance.domains.contacts.schemas import SegmentIn
from appliance.domains.contacts.tables import Segment
from appliance.domains.contacts.types import SegmentKind


def create_segment(uow: UnitOfWork, given: SegmentIn) -> Segment:
    """Raises InvalidField for a name that is taken, Refused for one too many."""
    check_room(uow, Segment, MOST_SEGMENTS)
    segment = Segment(tenant_id=uow.tenant_id, kind=SegmentKind.LIVE, created_at=uow.now)
    _write(uow, segment, given)
    uow.session.add(segment)
    uow.session.flush()
    uow.emit(SegmentChanged(segment.id))
    return segment


def change_segment(uow: UnitOfWork, segment_id: UUID, given: SegmentIn) -> Segment:
    """Raises SegmentNotFound, InvalidField for a name that is taken and for other conditions of a static one."""
    segment = queries.lock_segment(uow, segment_id)
    _write(uow, segment, given)
    uow.emit(SegmentChanged(segment.id))
    return segment


def delete_segment(uow: UnitOfWork, segment_id: UUID) -> None:
    """Nobody in it is touched. Raises SegmentNotFound."""
    uow.session.delete(queries.lock_segment(uow, segment_id))
    uow.emit(SegmentChanged(segment_id))


def _write(uow: UnitOfWork, segment: Segment, given: SegmentIn) -> None:
    same = uow.session.scalar(select(Segment).where(Segment.name == given.name))
    if same is not None and same is not segment:
        raise InvalidField("name", _("Another segment has this name."))
    tree = given.tree.model_dump(mode="json")
    if segment.kind is SegmentKind.STATIC and tree != segment.tree:
        raise InvalidField("tree", _("This is a fixed list. Let it follow its conditions again to change them."))
    segment.name, segment.tree, segment.changed_at = given.name, tree, uow.now
