"""Saved views of the inbox."""

from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, current_principal
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.api.conversations import READ, WRITE, me
from appliance.domains.conversations.api.inbox import MANAGE
from appliance.domains.conversations.queries import CountedView
from appliance.domains.conversations.tables import SavedView

saved_views = Api("saved_views")


@saved_views.get("/inbox-views", permission=READ, returns=list[schemas.SavedViewOut], summary="Saved views that the caller sees")
def list_views(uow: UnitOfWork) -> list[CountedView]:
    return list(queries.list_views(uow, user_id=me(uow)))


@saved_views.post("/inbox-views", permission=WRITE, body=schemas.SavedViewIn, returns=schemas.SavedViewOut, status=201)
def create_view(uow: UnitOfWork, body: schemas.SavedViewIn) -> CountedView:
    return _counted(uow, actions.create_view(uow, body, user_id=me(uow)))


@saved_views.get("/inbox-views/<uuid:view_id>", permission=READ, returns=schemas.SavedViewOut)
def get_view(uow: UnitOfWork, view_id: UUID) -> CountedView:
    return _counted(uow, queries.get_view(uow, view_id, user_id=me(uow)))


@saved_views.patch("/inbox-views/<uuid:view_id>", permission=WRITE, body=schemas.SavedViewPatch, returns=schemas.SavedViewOut)
def change_view(uow: UnitOfWork, view_id: UUID, body: schemas.SavedViewPatch) -> CountedView:
    return _counted(uow, actions.change_view(uow, view_id, body, user_id=me(uow), manages=_manages()))


@saved_views.delete("/inbox-views/<uuid:view_id>", permission=WRITE)
def delete_view(uow: UnitOfWork, view_id: UUID) -> None:
    actions.delete_view(uow, view_id, user_id=me(uow), manages=_manages())


def _counted(uow: UnitOfWork, view: SavedView) -> CountedView:
    uow.session.flush()
    return queries.counted_views(uow, [view], user_id=me(uow))[0]


def _manages() -> bool:
    who = current_principal()
    return who is not None and who.can(MANAGE)
