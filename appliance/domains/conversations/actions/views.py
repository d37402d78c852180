"""Saved views: named, shared, put in their order, deleted."""

from uuid import UUID

from appliance.core.errors import Conflict, Forbidden, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.events import SavedViewsChanged
from appliance.domains.conversations.queries import teams, views
from appliance.domains.conversations.schemas import SavedViewIn, SavedViewPatch, ViewFilters
from appliance.domains.conversations.tables import SavedView

MOST = 20  # of one person alone, and as many that they share
MOST_SHARED = 100  # by all together: each that somebody sees is counted when they look


def create_view(uow: UnitOfWork, wanted: SavedViewIn, *, user_id: UUID) -> SavedView:
    view = SavedView(id=new_id(), tenant_id=uow.tenant_id, owner_id=user_id, shared=wanted.shared)
    _give(uow, view, shared=wanted.shared, team_id=wanted.team_id)
    _fill(uow, view, wanted.name, wanted.filters)
    view.place = _join(uow, view)
    uow.session.add(view)
    uow.emit(SavedViewsChanged(view.id))
    return view


def change_view(uow: UnitOfWork, view_id: UUID, changes: SavedViewPatch, *, user_id: UUID, manages: bool) -> SavedView:
    view = _own(uow, view_id, user_id=user_id, manages=manages)
    was_shared, said = view.shared, changes.model_fields_set
    shared = view.shared if changes.shared is None else changes.shared
    _give(uow, view, shared=shared, team_id=changes.team_id if "team_id" in said else view.team_id)
    _fill(uow, view, changes.name or view.name, changes.filters or ViewFilters.model_validate(view.filters))
    if view.shared != was_shared:
        view.place = _join(uow, view)
    if changes.place is not None:
        _move(uow, view, changes.place, user_id=user_id)
    uow.emit(SavedViewsChanged(view.id))
    return view


def delete_view(uow: UnitOfWork, view_id: UUID, *, user_id: UUID, manages: bool) -> None:
    uow.session.delete(_own(uow, view_id, user_id=user_id, manages=manages))
    uow.emit(SavedViewsChanged(view_id))


def _own(uow: UnitOfWork, view_id: UUID, *, user_id: UUID, manages: bool) -> SavedView:
    """Raises Forbidden: who sees a view that a colleague shares does not change it, unless they look after the inbox."""
    view = views.get_view(uow, view_id, user_id=user_id)
    if view.owner_id != user_id and not manages:
        raise Forbidden(_("Only who made this view, or who looks after the inbox, may change it."))
    return view


def _give(uow: UnitOfWork, view: SavedView, *, shared: bool, team_id: UUID | None) -> None:
    """Raises TeamNotFound."""
    view.shared, view.team_id = shared, team_id if shared else None
    if view.team_id is not None:
        teams.get_team(uow, view.team_id)


def _fill(uow: UnitOfWork, view: SavedView, name: str, filters: ViewFilters) -> None:
    """Raises Conflict about a name that another of the same list has."""
    said = " ".join(name.split())
    same = next((one for one in views.list_beside(uow, view) if one.id != view.id and one.name.casefold() == said.casefold()), None)
    if same and same.team_id not in {None, view.team_id}:  # perhaps nobody here sees it
        raise Conflict(_("There is one of this name already, shared with the team %(name)s.", name=teams.get_team(uow, same.team_id).name))
    if same:
        raise Conflict(_("There is one of this name already."))
    view.name, view.filters = said, filters.model_dump(mode="json", exclude_defaults=True)


def _join(uow: UnitOfWork, view: SavedView) -> int:
    """Behind the last. Raises Refused when there is no room."""
    others = [one for one in views.list_beside(uow, view) if one.id != view.id]
    theirs = sum(one.owner_id == view.owner_id for one in others)
    for kept, most in ((theirs, MOST), (len(others), MOST_SHARED)):
        if kept >= most:
            raise Refused(_("No more than %(most)s are kept. Delete one that nobody needs first.", most=most))
    return max((one.place for one in others), default=-1) + 1


def _move(uow: UnitOfWork, view: SavedView, place: int, *, user_id: UUID) -> None:
    """Among those that this person sees; other teams' keep their order around it."""
    others = [one for one in views.list_beside(uow, view) if one.id != view.id]
    seen = {one.id for one in views.list_views(uow, user_id=user_id)}
    places = [number for number, one in enumerate(others) if one.id in seen]
    others.insert(places[place] if place < len(places) else len(others), view)
    for number, one in enumerate(others):
        one.place = number
