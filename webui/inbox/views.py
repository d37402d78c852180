"""Pages and fragments of the inbox. Changes go through the API, so a button does what an integration would."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from flask import render_template
from pydantic import Field

from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery, Schema
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactOut, ContactsQuery
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.schemas import LARGEST, ConversationOut, MessageOut
from appliance.domains.conversations.types import ConversationStatus, Handling
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from webui import formats
from webui.inbox import presenting, settings, snoozing
from webui.inbox.pages import READ, pages
from webui.inbox.presenting import CHANNELS, HANDOFF_REASONS, ICONS, Thread

__all__ = ["pages", "settings"]

LIST_LENGTH = 50
FOUND_LENGTH = 20
THREAD_LENGTH = 50
PUT_AWAY = ("resolved", "pending", "snoozed")


class AtQuery(Schema):
    """`at`: the number of the message to show, where it is not the newest."""

    at: int | None = Field(None, ge=1, le=LARGEST)


class ListQuery(PageQuery, AtQuery):
    """The filters live in the address, so that a view can be bookmarked and sent."""

    view: Literal["waiting", "mine", "bot", "all", "resolved", "pending", "snoozed", "unsent"] = "all"
    label: str = Field("", max_length=40)
    team: UUID | None = None
    q: str = Field("", max_length=200)
    limit: int = Field(LIST_LENGTH, ge=1, le=LIST_LENGTH)


class WindowQuery(Schema):
    before: int | None = Field(None, ge=1)
    after: int | None = Field(None, ge=0)


@pages.get("/inbox", permission=READ, query=ListQuery)
def inbox(uow: UnitOfWork, query: ListQuery) -> str:
    return render_template("inbox/inbox.html", thread=None, **_listing(uow, query))


@pages.get("/inbox/<uuid:conversation_id>", permission=READ, query=ListQuery)
def conversation(uow: UnitOfWork, conversation_id: UUID, query: ListQuery) -> str:
    thread = _thread(uow, conversation_id, at=query.at)
    return render_template("inbox/inbox.html", thread=thread, **{**_around(uow), **_listing(uow, query)})


@pages.get("/inbox/list", permission=READ, query=ListQuery)
def listing(uow: UnitOfWork, query: ListQuery) -> str:
    return render_template("inbox/_list.html", thread=None, **_listing(uow, query))


@pages.get("/inbox/<uuid:conversation_id>/panes", permission=READ, query=AtQuery)
def panes(uow: UnitOfWork, conversation_id: UUID, query: AtQuery) -> str:
    """Thread and contact of another conversation, without the list."""
    return render_template("inbox/_panes.html", thread=_thread(uow, conversation_id, at=query.at), **_around(uow))


@pages.get("/inbox/<uuid:conversation_id>/state", permission=READ)
def state(uow: UnitOfWork, conversation_id: UUID) -> str:
    """Head, composer's notice and contact pane: all but the messages."""
    return render_template("inbox/_state.html", thread=_thread(uow, conversation_id), **_around(uow))


@pages.get("/inbox/<uuid:conversation_id>/messages", permission=READ, query=WindowQuery)
def messages(uow: UnitOfWork, conversation_id: UUID, query: WindowQuery) -> str:
    found = _conversation(uow, conversation_id)
    window = queries.list_messages(uow, conversation_id, before=query.before, after=query.after, limit=THREAD_LENGTH)
    return render_template("inbox/_messages.html", bubbles=presenting.bubbles(uow, _shown(window), contact_name=_name_of(uow, found)))


@pages.get("/inbox/messages/<uuid:message_id>", permission=READ)
def message(uow: UnitOfWork, message_id: UUID) -> str:
    found = queries.get_message(uow, message_id)
    name = _name_of(uow, _conversation(uow, found.conversation_id))
    return render_template("inbox/_messages.html", bubbles=presenting.bubbles(uow, _shown([found]), contact_name=name))


@pages.get("/inbox/notices", permission=READ)
def bell(uow: UnitOfWork) -> str:
    """What the reader should look at, for the bell of every page."""
    me = uow.actor.id
    found = queries.list_notices(uow, me) if me else ()
    new = queries.count_new_notices(uow, me) if me else 0
    return render_template("inbox/_bell.html", notices=presenting.notices(uow, found), new=new)


def _listing(uow: UnitOfWork, query: ListQuery) -> dict[str, object]:
    me = uow.actor.id
    page = queries.list_conversations(uow, _filter(uow, query), query)
    counts = queries.count_inbox(uow, user_id=me)
    shown = [ConversationOut.model_validate(row) for row in page.items]
    return {
        "rows": presenting.rows(uow, shown, me=me), "page": page, "counts": counts, "query": query,
        "labels": queries.list_labels(uow), "teams": queries.list_teams(uow),
        "found": presenting.found(uow, queries.search_messages(uow, query.q, PageQuery(limit=FOUND_LENGTH)).items) if query.q else (),
    }  # fmt: skip


def _filter(uow: UnitOfWork, query: ListQuery) -> InboxFilter:
    found = [person.id for person in contacts.list_contacts(uow, ContactsQuery(q=query.q, limit=200)).items] if query.q else None
    return InboxFilter(
        status=ConversationStatus(query.view) if query.view in PUT_AWAY else None,
        label=query.label,
        team_id=query.team,
        assignee_id=uow.actor.id if query.view == "mine" else None,
        waiting=query.view == "waiting",
        handling=Handling.BOT if query.view == "bot" else None,
        contact_ids=found,
        unsent=query.view == "unsent",
    )


def _thread(uow: UnitOfWork, conversation_id: UUID, *, at: int | None = None) -> Thread:
    found = _conversation(uow, conversation_id)
    person = contacts.find_contacts(uow, [found.contact_id]).get(found.contact_id)
    name = presenting.person_name(person)
    before = at + THREAD_LENGTH // 2 if at else None
    window = _shown(queries.list_messages(uow, conversation_id, before=before, limit=THREAD_LENGTH))
    unread = [row.number for row in window if row.direction == "inbound"][-found.unread_count :] if found.unread_count else []
    closes_at = _window_closes_at(found)
    return Thread(
        conversation=found,
        name=name,
        contact=ContactOut.model_validate(contacts.get_contact(uow, person.id)) if person else None,
        icon=ICONS[found.medium],
        channel=str(CHANNELS[found.medium]),
        assignee=identity.names_of(uow, [found.assignee_id]).get(found.assignee_id, "") if found.assignee_id else "",
        bubbles=presenting.bubbles(uow, window, contact_name=name),
        first_unread=unread[0] if unread else None,
        at=at,
        is_newest=not window or window[-1].number >= found.last_number,
        window_closes_at=closes_at,
        window_open=found.window_hours is None or (closes_at is not None and closes_at > uow.now),
        takes=channels.kind_of(found.channel_kind).carries,
        held_by_me=found.assignee_id is not None and found.assignee_id == uow.actor.id,
        me=uow.actor.id,
        labels=presenting.chips(found.labels, presenting.colours_of(uow)),
        handoff_reason=str(HANDOFF_REASONS.get(found.handoff_reason or "", found.handoff_reason or "")),
    )


def _conversation(uow: UnitOfWork, conversation_id: UUID) -> ConversationOut:
    return ConversationOut.model_validate(queries.get_conversation(uow, conversation_id))


def _shown(window: Iterable[object]) -> list[MessageOut]:
    return [MessageOut.model_validate(row) for row in window]


def _window_closes_at(found: ConversationOut) -> datetime | None:
    if found.window_hours is None or found.last_inbound_at is None:
        return None
    return found.last_inbound_at + timedelta(hours=found.window_hours)


def _name_of(uow: UnitOfWork, found: ConversationOut) -> str:
    return presenting.person_name(contacts.find_contacts(uow, [found.contact_id]).get(found.contact_id))


def _around(uow: UnitOfWork) -> dict[str, object]:
    """What can be done with any conversation, for the panes beside it."""
    return {
        "members": _members(uow), "labels": queries.list_labels(uow), "teams": queries.list_teams(uow),
        "macros": queries.list_macros(uow), "snoozes": snoozing.choices(uow.now, formats.timezone()),
    }  # fmt: skip


def _members(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    return [(person.user_id, person.name) for person in identity.list_members(uow, MembersQuery(limit=200)).items]
