"""Who is in a segment: of a live one asked anew each time, of a static one as it was frozen and changed by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from appliance.core.paging import count_rows, read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.contacts.errors import SegmentNotFound
from appliance.domains.contacts.queries.conditions import agreed_to, present
from appliance.domains.contacts.rules import segments
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.schemas import Condition, MembershipOut, SegmentTree
from appliance.domains.contacts.tables import Contact, ContactTag, Segment, SegmentMember, TimelineEntry
from appliance.domains.contacts.types import ASKED_OF_MOMENTS, Match, SegmentField, SegmentKind, SegmentTest

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
    return read_page(uow, present().where(in_segment(uow, segment_id)).order_by(Contact.name, Contact.id), query)


def in_segment(uow: UnitOfWork, segment_id: UUID) -> ColumnElement[bool]:
    """Asked of contacts. Raises SegmentNotFound."""
    segment = get_segment(uow, segment_id)
    if segment.kind is SegmentKind.STATIC:
        return Contact.id.in_(select(SegmentMember.contact_id).where(SegmentMember.segment_id == segment_id))
    return _fits(uow, SegmentTree.model_validate(segment.tree))


def list_fitting(uow: UnitOfWork, tree: SegmentTree, *, limit: int) -> Sequence[UUID]:
    fitting = select(Contact.id).where(Contact.merged_into_id.is_(None), _fits(uow, tree))
    return uow.session.scalars(fitting.limit(limit)).all()


def count_fitting(uow: UnitOfWork, tree: SegmentTree) -> int:
    return count_rows(uow, present().where(_fits(uow, tree)))


def count_members(uow: UnitOfWork) -> dict[UUID, int]:
    """How many people are in each list; those of nobody are left out."""
    joined = select(SegmentMember.segment_id, func.count().label("people")).join(Contact, Contact.id == SegmentMember.contact_id)
    rows = uow.session.execute(joined.where(Contact.merged_into_id.is_(None)).group_by(SegmentMember.segment_id))
    return {row.segment_id: row.people for row in rows}


def list_memberships(uow: UnitOfWork, contact_id: UUID) -> list[MembershipOut]:
    """The static segments that somebody is in."""
    named = select(SegmentMember.segment_id, Segment.name, SegmentMember.added_at).join(Segment, Segment.id == SegmentMember.segment_id)
    rows = uow.session.execute(named.where(SegmentMember.contact_id == contact_id).order_by(Segment.name))
    return [MembershipOut.model_validate(row) for row in rows]


def _fits(uow: UnitOfWork, tree: SegmentTree) -> ColumnElement[bool]:
    """A group without conditions asks nothing; a segment without any is everybody."""
    groups = [_joined(group.match, [_asked(uow, one) for one in group.conditions]) for group in tree.groups if group.conditions]
    return _joined(tree.match, groups) if groups else true()


def _joined(match: Match, parts: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(true(), *parts) if match is Match.ALL else or_(false(), *parts)


def _asked(uow: UnitOfWork, condition: Condition) -> ColumnElement[bool]:
    match condition.field:
        case SegmentField.TAG | SegmentField.CONSENT | SegmentField.EVENT:
            found = _held(uow, condition)
            return found if condition.test in (SegmentTest.HAS, SegmentTest.WITHIN_DAYS) else not_(found)
        case SegmentField.OWNER:
            return _asked_of_owner(condition)
        case SegmentField.LAST_SEEN | SegmentField.CREATED:
            return _asked_of_moment(uow, condition)
        case SegmentField.ATTRIBUTE:
            return _asked_of_text(condition, cast(Contact.attributes[condition.key].as_string(), Text))
        case _:
            return _asked_of_text(condition, _TEXTS[condition.field])


def _held(uow: UnitOfWork, condition: Condition) -> ColumnElement[bool]:
    match condition.field:
        case SegmentField.TAG:
            return exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag.in_(tidy_tags([condition.value])))
        case SegmentField.EVENT:
            happened = exists().where(TimelineEntry.contact_id == Contact.id, TimelineEntry.kind == condition.value)
            is_dated = condition.test in ASKED_OF_MOMENTS
            return happened.where(TimelineEntry.happened_at >= _days_ago(uow, condition.key)) if is_dated else happened
        case _:
            return agreed_to(*segments.read_consent(condition.value))


def _asked_of_owner(condition: Condition) -> ColumnElement[bool]:
    match condition.test:
        case SegmentTest.IS_SET:
            return Contact.owner_id.is_not(None)
        case SegmentTest.IS_EMPTY:
            return Contact.owner_id.is_(None)
        case _:
            return Contact.owner_id == UUID(condition.value)


def _asked_of_text(condition: Condition, asked: ColumnElement[str] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    column = func.coalesce(asked, "")
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
    since = _days_ago(uow, condition.value)
    return column >= since if condition.test is SegmentTest.WITHIN_DAYS else or_(column.is_(None), column < since)


def _days_ago(uow: UnitOfWork, days: str) -> datetime:
    return uow.now - timedelta(days=int(days))
