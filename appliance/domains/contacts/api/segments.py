from collections.abc import Sequence
from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries, schemas
from appliance.domains.contacts.tables import Contact, Segment

HEAVY = "6/minute"  # each writes or drops up to 50,000 rows

api = web.Api("segments")


@api.get("/segments", permission="contacts:read", returns=list[schemas.SegmentOut])
def list_segments(uow: UnitOfWork) -> Sequence[Segment]:
    return queries.list_segments(uow)


@api.post("/segments", permission="contacts:write", body=schemas.SegmentIn, returns=schemas.SegmentOut, status=201)
def create_segment(uow: UnitOfWork, body: schemas.SegmentIn) -> Segment:
    return actions.create_segment(uow, body)


@api.post("/segments/count", permission="contacts:read", body=schemas.SegmentTree, returns=schemas.CountOut)
def count_segment(uow: UnitOfWork, body: schemas.SegmentTree) -> schemas.CountOut:
    """How many would fit; nothing is kept."""
    return schemas.CountOut(count=queries.count_fitting(uow, body))


@api.get("/segments/<uuid:segment_id>", permission="contacts:read", returns=schemas.SegmentOut)
def read_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    return queries.get_segment(uow, segment_id)


@api.put("/segments/<uuid:segment_id>", permission="contacts:write", body=schemas.SegmentIn, returns=schemas.SegmentOut)
def change_segment(uow: UnitOfWork, segment_id: UUID, body: schemas.SegmentIn) -> Segment:
    return actions.change_segment(uow, segment_id, body)


@api.delete("/segments/<uuid:segment_id>", permission="contacts:write")
def delete_segment(uow: UnitOfWork, segment_id: UUID) -> None:
    actions.delete_segment(uow, segment_id)


@api.post("/segments/<uuid:segment_id>/freeze", permission="contacts:write", returns=schemas.SegmentOut, limit=HEAVY)
def freeze_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    """Who fits now becomes a list, which changes by hand alone."""
    return actions.freeze_segment(uow, segment_id)


@api.post("/segments/<uuid:segment_id>/thaw", permission="contacts:write", returns=schemas.SegmentOut, limit=HEAVY)
def thaw_segment(uow: UnitOfWork, segment_id: UUID) -> Segment:
    """Back to asking who fits; the list is dropped."""
    return actions.thaw_segment(uow, segment_id)


@api.post("/segments/<uuid:segment_id>/contacts/<uuid:contact_id>", permission="contacts:write")
def add_member(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> None:
    actions.add_member(uow, segment_id, contact_id)


@api.delete("/segments/<uuid:segment_id>/contacts/<uuid:contact_id>", permission="contacts:write")
def remove_member(uow: UnitOfWork, segment_id: UUID, contact_id: UUID) -> None:
    actions.remove_member(uow, segment_id, contact_id)


@api.get(
    "/segments/<uuid:segment_id>/contacts", permission="contacts:read", query=web.PageQuery, returns=web.PageOf[schemas.ContactOut]
)
def list_segment_contacts(uow: UnitOfWork, segment_id: UUID, query: web.PageQuery) -> web.Page[Contact]:
    return queries.list_segment_contacts(uow, segment_id, query)
