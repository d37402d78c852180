"""Pages and fragments of the inbox. Changes go through the API, so a button does what an integration would."""

from collections.abc import Iterable
from dataclasses import replace
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
from appliance.domains.conversations.schemas import LARGEST, ConversationOut, MessageOut, ViewFilters
from appliance.domains.conversations.types import Direction, MessageKind, Signal
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from webui import costs, formats
from webui.inbox import (
    answering,
    assisting,
    chats,
    deadlines,
    mails,
    presenting,
    reading,
    satisfaction,
    saved,
    saying,
    settings,
    snoozing,
    times,
)
from webui.inbox.pages import READ, pages
from webui.inbox.presenting import CHANNELS, HANDOFF_REASONS, ICONS, Thread
from webui.naming import person_name

__all__ = ["assisting", "chats", "mails", "pages", "satisfaction", "saved", "saying", "settings", "times"]

LIST_LENGTH = 50
FOUND_LENGTH = 20
THREAD_LENGTH = 50
KEPT = ("label", "topic", "signal", "team", "channel", "assignee", "priority", "deadline", "order")  # a link within the list keeps them


class AtQuery(Schema):
    """`at`: the number of the message to show, where it is not the newest."""

    at: int | None = Field(None, ge=1, le=LARGEST)


class ListQuery(PageQuery, AtQuery, ViewFilters):
    """The filters live in the address, so that a view can be bookmarked, sent and saved."""

    q: str = Field("", max_length=200)
    limit: int = Field(LIST_LENGTH, ge=1, le=LIST_LENGTH)


class RedrawQuery(ListQuery):
    """`choices` 0: the browser has drawn what can be chosen beside this very list, and keeps it."""

    choices: bool = True


class WindowQuery(Schema):
    before: int | None = Field(None, ge=1)
    after: int | None = Field(None, ge=0)


@pages.get("/inbox", permission=READ, query=ListQuery)
def inbox(uow: UnitOfWork, query: ListQuery) -> str:
    return render_template("inbox/inbox.html", thread=None, **_listing(uow, query))


@pages.get("/inbox/<uuid:conversation_id>", permission=READ, query=ListQuery)
def conversation(uow: UnitOfWork, conversation_id: UUID, query: ListQuery) -> str:
    thread = _thread(uow, conversation_id, at=query.at)
    return render_template("inbox/inbox.html", thread=thread, **{**_around(uow), **_begun(uow, conversation_id), **_listing(uow, query)})


@pages.get("/inbox/list", permission=READ, query=RedrawQuery)
def listing(uow: UnitOfWork, query: RedrawQuery) -> str:
    return render_template("inbox/_list.html", thread=None, **_listing(uow, query, with_choices=query.choices))


@pages.get("/inbox/<uuid:conversation_id>/panes", permission=READ, query=AtQuery)
def panes(uow: UnitOfWork, conversation_id: UUID, query: AtQuery) -> str:
    """Thread and contact of another conversation, without the list."""
    thread = _thread(uow, conversation_id, at=query.at)
    return render_template("inbox/_panes.html", thread=thread, **_around(uow), **_begun(uow, conversation_id))


@pages.get("/inbox/<uuid:conversation_id>/state", permission=READ)
def state(uow: UnitOfWork, conversation_id: UUID) -> str:
    """Head, composer's notice and contact pane: all but the messages."""
    return render_template("inbox/_state.html", thread=_thread(uow, conversation_id), **_around(uow))


@pages.get("/inbox/<uuid:conversation_id>/messages", permission=READ, query=WindowQuery)
def messages(uow: UnitOfWork, conversation_id: UUID, query: WindowQuery) -> str:
    found = _conversation(uow, conversation_id)
    window = queries.list_messages(uow, conversation_id, before=query.before, after=query.after, limit=THREAD_LENGTH, lines=True)
    return render_template("inbox/_messages.html", bubbles=_bubbles(uow, found, _shown(window)))


@pages.get("/inbox/messages/<uuid:message_id>", permission=READ)
def message(uow: UnitOfWork, message_id: UUID) -> str:
    found = queries.get_message(uow, message_id)
    is_line = found.kind is not MessageKind.REACTION or found.reply_to_id is None
    shown = _shown([found] if is_line else [])
    return render_template("inbox/_messages.html", bubbles=_bubbles(uow, _conversation(uow, found.conversation_id), shown))


@pages.get("/inbox/notices", permission=READ)
def bell(uow: UnitOfWork) -> str:
    """What the reader should look at, for the bell of every page."""
    me = uow.actor.id
    found = queries.list_notices(uow, me) if me else ()
    new = queries.count_new_notices(uow, me) if me else 0
    return render_template("inbox/_bell.html", notices=presenting.notices(uow, found), new=new)


def _listing(uow: UnitOfWork, query: ListQuery, *, with_choices: bool = True) -> dict[str, object]:
    me = uow.actor.id
    page = queries.list_conversations(uow, _filter(uow, query), query)
    counts = queries.count_inbox(uow, user_id=me)
    shown = [ConversationOut.model_validate(row) for row in page.items]
    return {
        "rows": presenting.rows(uow, shown, me=me), "page": page, "counts": counts, "query": query,
        "is_unused": not shown and not queries.has_conversations(uow),
        "shelf": saved.shelf(uow, query), "address_of": saved.address_of, "me": me,
        "labels": queries.list_labels(uow), "teams": queries.list_teams(uow),
        "has_choices": with_choices, "channels": _channels(uow) if with_choices or query.channel else (),
        "members": _members(uow) if with_choices or query.assignee else (),
        "marks": reading.marks(list(Signal)), "topics": reading.TOPICS,
        "deadlines": deadlines.DEADLINES, "priorities": deadlines.PRIORITIES,
        "kept": {"view": query.view, **{name: value for name in KEPT if (value := getattr(query, name))}},
        "found": presenting.found(uow, queries.search_messages(uow, query.q, PageQuery(limit=FOUND_LENGTH)).items) if query.q else (),
    }  # fmt: skip


def _filter(uow: UnitOfWork, query: ListQuery) -> InboxFilter:
    found = [person.id for person in contacts.list_contacts(uow, ContactsQuery(q=query.q, limit=200)).items] if query.q else None
    return replace(queries.filter_of(query, user_id=uow.actor.id), contact_ids=found)


def _bubbles(uow: UnitOfWork, found: ConversationOut, messages: list[MessageOut]) -> list[presenting.Bubble]:
    kind = channels.kind_of(found.channel_kind)
    return answering.bubbles(uow, found, messages, contact_name=_name_of(uow, found), kind=kind)


def _thread(uow: UnitOfWork, conversation_id: UUID, *, at: int | None = None) -> Thread:
    conversation = queries.get_conversation(uow, conversation_id)
    found = ConversationOut.model_validate(conversation)
    person = contacts.find_contacts(uow, [found.contact_id]).get(found.contact_id)
    name = person_name(person)
    before = at + THREAD_LENGTH // 2 if at else None
    window = _shown(queries.list_messages(uow, conversation_id, before=before, limit=THREAD_LENGTH, lines=True))
    received = [row.number for row in window if row.direction is Direction.INBOUND and row.kind is not MessageKind.REACTION]
    unread = received[-found.unread_count :] if found.unread_count else []
    kind = channels.kind_of(found.channel_kind)
    cost = channels.cost_in(uow, conversation, None)
    return Thread(
        conversation=found,
        name=name,
        contact=ContactOut.model_validate(contacts.get_contact(uow, person.id)) if person else None,
        icon=ICONS[found.medium],
        channel=str(CHANNELS[found.medium]),
        assignee=identity.names_of(uow, [found.assignee_id]).get(found.assignee_id, "") if found.assignee_id else "",
        bubbles=answering.bubbles(uow, found, window, contact_name=name, kind=kind),
        first_unread=unread[0] if unread else None,
        at=at,
        is_newest=not window or not queries.list_messages(uow, conversation_id, after=window[-1].number, limit=1, lines=True),
        window_closes_at=queries.window_closes_at(conversation),
        window_open=queries.is_window_open(uow, conversation),
        unwilling=queries.find_unwilling(uow, conversation) if person else "",
        reply_cost=costs.told(cost),
        reply_cost_source=costs.source_of(cost),
        takes=kind.carries,
        quotes=kind.quotes,
        held_by_me=found.assignee_id is not None and found.assignee_id == uow.actor.id,
        me=uow.actor.id,
        labels=presenting.chips(found.labels, presenting.colours_of(uow)),
        marks=reading.marks(found.signals),
        topic=reading.topic_name(found.topic, found.signals),
        clock=deadlines.clock_of(found, uow.now),
        handoff_reason=str(HANDOFF_REASONS.get(found.handoff_reason or "", found.handoff_reason or "")),
    )


def _conversation(uow: UnitOfWork, conversation_id: UUID) -> ConversationOut:
    return ConversationOut.model_validate(queries.get_conversation(uow, conversation_id))


def _shown(window: Iterable[object]) -> list[MessageOut]:
    return [MessageOut.model_validate(row) for row in window]


def _name_of(uow: UnitOfWork, found: ConversationOut) -> str:
    return person_name(contacts.find_contacts(uow, [found.contact_id]).get(found.contact_id))


def _around(uow: UnitOfWork) -> dict[str, object]:
    """What can be done with any conversation, for the panes beside it."""
    return {
        "members": _members(uow), "labels": queries.list_labels(uow), "teams": queries.list_teams(uow),
        "priorities": deadlines.PRIORITIES, "macros": queries.list_macros(uow), "snoozes": snoozing.choices(uow.now, formats.timezone()),
        "emojis": answering.EMOJIS,
    }  # fmt: skip


def _begun(uow: UnitOfWork, conversation_id: UUID) -> dict[str, object]:
    return {"drafts": queries.drafts_of(uow, conversation_id, uow.actor.id)}


def _channels(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    return [(channel.id, channel.name) for channel in channels.list_channels(uow)]


def _members(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    return [(person.user_id, person.name) for person in identity.list_members(uow, MembersQuery(limit=200)).items]
