"""Saved views above the list, and the dialog in which one is named, shared and put in its place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import render_template, url_for

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import CountedView
from appliance.domains.conversations.schemas import ViewFilters
from appliance.domains.identity import queries as identity
from webui.inbox import reading
from webui.inbox.deadlines import DEADLINES, PRIORITIES
from webui.inbox.pages import WRITE, pages

MAX_NAME = 40


@dataclass(frozen=True)
class Shelf:
    """The saved views that somebody sees; `here` is the one whose filters are those of the list, `loose` filters that are none."""

    views: Sequence[CountedView]
    here: CountedView | None
    loose: bool


def shelf(uow: UnitOfWork, wanted: ViewFilters) -> Shelf:
    me = uow.actor.id
    views = queries.list_views(uow, user_id=me) if me else ()
    now = filters_in(wanted)
    here = next((view for view in views if view.filters == now), None)
    return Shelf(views, here, here is None and now != ViewFilters(view=now.view))


def filters_in(wanted: ViewFilters) -> ViewFilters:
    return ViewFilters(**{name: getattr(wanted, name) for name in ViewFilters.model_fields})


@pages.get("/inbox/views/new", permission=WRITE, query=ViewFilters)
def new_view(uow: UnitOfWork, query: ViewFilters) -> str:
    """Under the name that its filters give it, so that Enter saves it."""
    return render_template(
        "inbox/_view.html", view=None, name=_name_of(uow, query), places=(), place=0, audiences=_audiences(uow), audience="own"
    )


def _name_of(uow: UnitOfWork, filters: ViewFilters) -> str:
    team = _named(filters.team, ((one.id, one.name) for one in queries.list_teams(uow)))
    said = [
        DEADLINES[filters.deadline] if filters.deadline else "", PRIORITIES[filters.priority] if filters.priority else "",
        *(mark.words for mark in reading.marks([filters.signal] if filters.signal else [])), reading.topic_name(filters.topic),
        filters.label, team, _named(filters.channel, ((one.id, one.name) for one in channels.list_channels(uow))),
        identity.names_of(uow, [filters.assignee]).get(filters.assignee, "") if filters.assignee else "",
    ]  # fmt: skip
    return " · ".join(str(words) for words in said if words)[:MAX_NAME]


def _named(wanted: UUID | None, named: Iterable[tuple[UUID, str]]) -> str:
    return next((name for key, name in named if key == wanted), "")


@pages.get("/inbox/views/<uuid:view_id>", permission=WRITE)
def edit_view(uow: UnitOfWork, view_id: UUID) -> str:
    me = uow.actor.id
    view = queries.get_view(uow, view_id, user_id=me)
    among = [one for one in queries.list_views(uow, user_id=me) if one.shared == view.shared]
    is_own, audience = view.owner_id == me, str(view.team_id or "all") if view.shared else "own"
    return render_template(
        "inbox/_view.html", view=view, name=view.name, is_own=is_own, audiences=_audiences(uow)[0 if is_own else 1 :], audience=audience,
        places=[(number, gettext("%(number)d of %(total)d", number=number + 1, total=len(among))) for number in range(len(among))],
        place=next(number for number, one in enumerate(among) if one.id == view.id),
    )  # fmt: skip


def _audiences(uow: UnitOfWork) -> list[tuple[str, str]]:
    teams = [(str(team.id), gettext("Team %(name)s", name=team.name)) for team in queries.list_teams(uow)]
    return [("own", gettext("Only me")), ("all", gettext("Everybody")), *teams]


def address_of(view: CountedView) -> str:
    return url_for("inbox.inbox", **view.filters.model_dump(mode="json", exclude_defaults=True))
