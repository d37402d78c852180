"""Contacts that may be one person, two by two."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import BeforeValidator, ConfigDict
from werkzeug import Response

from appliance.core.errors import Conflict
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, read_form
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactOut, DuplicateMergeIn, DuplicateOut, DuplicatesQuery
from appliance.domains.contacts.types import DuplicateState
from webui.crm.detail import UNDO_FOR, merged_words, parted_words
from webui.crm.pages import pages
from webui.crm.words import label

READ, WRITE = "contacts:read", "contacts:write"
D = TypeVar("D")


class TabQuery(DuplicatesQuery):
    """An address that names no tab, or none there is, leads to the first."""

    model_config = ConfigDict(extra="ignore")

    state: Annotated[DuplicateState, BeforeValidator(lambda said: said if said in set(DuplicateState) else DuplicateState.OPEN)] = (
        DuplicateState.OPEN
    )


@dataclass(frozen=True)
class Shown:
    """A pair with its two people: the one who is here longer first, of a merge the one who was kept."""

    pair: DuplicateOut
    people: list[ContactOut]
    is_undoable: bool


@pages.get("/contacts/duplicates", permission=READ, query=TabQuery)
def duplicates(uow: UnitOfWork, query: TabQuery) -> str:
    page = queries.list_duplicates(uow, query)
    pairs = [DuplicateOut.model_validate(row) for row in page.items]
    find = queries.find_with_merged if query.state is DuplicateState.MERGED else queries.find_contacts
    found = find(uow, {person for pair in pairs for person in (pair.first_id, pair.second_id)})
    gone = {contact_id for contact_id, row in found.items() if row.merged_into_id is not None}
    people = {contact_id: ContactOut.model_validate(row) for contact_id, row in found.items()}
    shown = Page([_shown(pair, people, gone, uow.now) for pair in pairs], page.total, page.page, page.limit)
    tabs = [(label(state), url_for("crm.duplicates", state=state.value), state is query.state) for state in DuplicateState]
    return render_template("crm/duplicates.html", page=shown, state=query.state, tabs=tabs)


def _shown(pair: DuplicateOut, people: Mapping[UUID, ContactOut], gone: Collection[UUID], now: datetime) -> Shown:
    both = [people[person] for person in (pair.first_id, pair.second_id) if person in people]
    fresh = pair.decided_at is not None and pair.decided_at > now - UNDO_FOR
    return Shown(pair, sorted(both, key=lambda contact: (contact.id in gone, contact.created_at)), fresh and pair.merge_id is not None)


@pages.post("/contacts/duplicates/look", permission=WRITE)
def look_for_duplicates(uow: UnitOfWork) -> Response:
    actions.want_duplicates(uow)
    flash(_("Looking. What is found appears here by itself."))
    return redirect(url_for("crm.duplicates"))


@pages.post("/contacts/duplicates/<uuid:duplicate_id>/merge", permission=WRITE)
def merge_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> Response:
    form = read_form(DuplicateMergeIn)
    if form.value is None:
        return redirect(url_for("crm.duplicates"))
    kept_id = form.value.kept_id
    return _decided(lambda: actions.merge_duplicate(uow, duplicate_id, kept_id), lambda done: merged_words(uow, done))


@pages.post("/contacts/duplicates/<uuid:duplicate_id>/dismiss", permission=WRITE)
def dismiss_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> Response:
    said = _("They stay two people, and the box will not ask again.")
    return _decided(lambda: actions.dismiss_duplicate(uow, duplicate_id), lambda _pair: said)


@pages.post("/contacts/duplicates/<uuid:duplicate_id>/reopen", permission=WRITE)
def reopen_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> Response:
    return _decided(lambda: actions.reopen_duplicate(uow, duplicate_id), lambda _pair: "")


@pages.post("/contacts/duplicates/<uuid:duplicate_id>/undo", permission=WRITE)
def undo_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> Response:
    merge_id = queries.get_duplicate(uow, duplicate_id).merge_id
    if merge_id is None:
        return redirect(url_for("crm.duplicates", state=DuplicateState.MERGED.value))
    return _decided(lambda: actions.undo_merge(uow, merge_id), lambda undone: parted_words(uow, undone), state=DuplicateState.MERGED)


def _decided(decide: Callable[[], D], in_words: Callable[[D], str], *, state: DuplicateState | None = None) -> Response:
    """Back to the list, with what was done, or why not."""
    try:
        said = in_words(decide())
    except Conflict as err:
        flash(str(err), "bad")
    else:
        if said:
            flash(said)
    return redirect(url_for("crm.duplicates", state=state.value if state else None))
