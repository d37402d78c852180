"""Who fits a segment, asked anew each time."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select, true

from appliance.core.paging import count_rows, read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.contacts.errors import SegmentNotFound
from appliance.domains.contacts.queries.people import agreed_to, present
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.schemas import Condition, SegmentTree
from appliance.domains.contacts.tables import Contact, ContactTag, Segment
from appliance.domains.contacts.types import Match, Purpose, SegmentField, SegmentTest

MOST_SEGMENTS = 200
_TEXTS = {
    SegmentField.NAME: Contact.name, SegmentField.COMPANY: Contact.company, SegmentField.EMAIL: Contact.email,
    SegmentField.PHONE: Contact.phone_e164, SegmentField.REGION: Contact.region,
}  # fmt: skip
_MOMENTS = {SegmentField.LAST_SEEN: Contact.last_seen_at, SegmentField.CREATED: Contact.created_at}


def get_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    return required(uow.session.get(Segment, segment_id), SegmentNotFound)


def lock_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    return required(uow.session.scalar(locked(select(Segment).where(Segment.id == segment_id))), SegmentNotFound)


def list_segments(uow: UnitOfWork) -> Sequence[Segment]:
    return uow.session.scalars(select(Segment).order_by(Segment.name, Segment.id).limit(MOST_SEGMENTS)).all()


def list_segment_contacts(uow: UnitOfWork, segment_id: UUID, query: PageQuery) -> Page[Contact]:
    tree = SegmentTree.model_validate(get_segment(uow, segment_id).tree)
    return read_page(uow, _fitting(uow, tree).order_by(Contact.name, Contact.id), query)


def count_fitting(uow: UnitOfWork, tree: SegmentTree) -> int:
    return count_rows(uow, _fitting(uow, tree))


def _fitting(uow: UnitOfWork, tree: SegmentTree) -> Select[Contact]:
    """A group without conditions asks nothing; a segment without any is everybody."""
    groups = [_joined(group.match, [_asked(uow, one) for one in group.conditions]) for group in tree.groups if group.conditions]
    return present().where(_joined(tree.match, groups)) if groups else present()


def _joined(match: Match, parts: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(true(), *parts) if match is Match.ALL else or_(false(), *parts)


def _asked(uow: UnitOfWork, condition: Condition) -> ColumnElement[bool]:
    match condition.field:
        case SegmentField.TAG:
            tags = tidy_tags([condition.value])
            found = exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag.in_(tags))
            return found if condition.test is SegmentTest.HAS else not_(found)
        case SegmentField.CONSENT:
            agreed = agreed_to(Purpose(condition.value))
            return agreed if condition.test is SegmentTest.HAS else not_(agreed)
        case SegmentField.LAST_SEEN | SegmentField.CREATED:
            return _asked_of_moment(uow, condition)
        case _:
            return _asked_of_text(condition)


def _asked_of_text(condition: Condition) -> ColumnElement[bool]:
    column = func.coalesce(_TEXTS[condition.field], "")
    match condition.test:
        case SegmentTest.IS_SET:
            return column != ""
        case SegmentTest.IS_EMPTY:
            return column == ""
        case SegmentTest.EQUALS:
            return or_(*(written == form for written in (column, func.lower(column)) for form in _forms(condition.value)))
        case _:
            found = (column, func.lower(column))
            return or_(*(written.contains(form, autoescape=True) for written in found for form in _forms(condition.value)))


def _forms(value: str) -> set[str]:
    """SQLite's lower() knows no accents, so the usual capitals are tried."""
    return {value, value.lower(), value.upper(), value.title()}


def _asked_of_moment(uow: UnitOfWork, condition: Condition) -> ColumnElement[bool]:
    column = _MOMENTS[condition.field]
    if condition.test is SegmentTest.IS_SET:
        return column.is_not(None)
    if condition.test is SegmentTest.IS_EMPTY:
        return column.is_(None)
    since = uow.now - timedelta(days=int(condition.value))
    return column >= since if condition.test is SegmentTest.WITHIN_DAYS else or_(column.is_(None), column < since)
