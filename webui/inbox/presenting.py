"""What the inbox shows of a conversation and of a message, as plain values for the templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup

from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries as agents
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactOut
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import Found, Notice
from appliance.domains.conversations.schemas import ConversationOut, EarlierOut, MessageOut, SightingOut
from appliance.domains.conversations.types import (
    DELETED,
    MISSED_CALL,
    ConversationStatus,
    Direction,
    Handling,
    LabelColour,
    MessageKind,
    MessageStatus,
    Sender,
)
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from webui.citations import cited
from webui.inbox import parts
from webui.inbox.deadlines import Clock, clock_of, priority_of
from webui.inbox.mentions import marked
from webui.inbox.merges import told
from webui.inbox.reading import Mark, marks, topic_name
from webui.naming import person_name
from webui.studio.words import REASONS

ICONS = {
    Medium.WHATSAPP: "whatsapp",
    Medium.EMAIL: "mail",
    Medium.SMS: "phone",
    Medium.PHONE: "phone",
    Medium.WEBCHAT: "globe",
    Medium.SIMULATOR: "target",
}
CHANNELS = {
    Medium.WHATSAPP: _("WhatsApp"),
    Medium.EMAIL: _("E-mail"),
    Medium.SMS: _("SMS"),
    Medium.PHONE: _("Phone"),
    Medium.WEBCHAT: _("Web chat"),
    Medium.SIMULATOR: _("Simulator"),
}
HANDOFF_REASONS = {**REASONS, "snooze_over": _("the time it was put aside for is over")}
WORDLESS = {DELETED: _("Deleted message"), MISSED_CALL: _("Missed call")} | {
    f"[{kind}]": name
    for kind, name in (
        (MessageKind.IMAGE, _("Picture")),
        (MessageKind.AUDIO, _("Audio")),
        (MessageKind.VIDEO, _("Video")),
        (MessageKind.DOCUMENT, _("Document")),
        (MessageKind.STICKER, _("Sticker")),
        (MessageKind.LOCATION, _("Place")),
        (MessageKind.CONTACT, _("Contact")),
        (MessageKind.REACTION, _("Reaction")),
        (MessageKind.TEMPLATE, _("Template")),
        (MessageKind.UNSUPPORTED, _("A kind of message this box cannot show yet.")),
    )
}


@dataclass(frozen=True)
class Chip:
    """A label with its colour."""

    name: str
    colour: LabelColour


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    id: UUID
    name: str
    preview: str
    at: datetime
    unread: int
    icon: str
    channel: str
    is_group: bool
    holder: str
    holder_kind: str
    waiting_since: datetime | None
    status: ConversationStatus
    snoozed_until: datetime | None
    labels: Sequence[Chip]
    marks: Sequence[Mark]
    topic: str
    is_unsent: bool
    clock: Clock | None
    priority: tuple[str, str] | None


@dataclass(frozen=True)
class Hit:
    """One conversation in which the words that were looked for stand, with the passage."""

    id: UUID
    number: int
    name: str
    parts: Sequence[tuple[str, bool]]
    at: datetime
    icon: str
    channel: str
    is_note: bool
    others: int


@dataclass(frozen=True)
class Told:
    """Something that one person should look at: in a conversation, with the `number` of the message where it is one, or a channel."""

    conversation_id: UUID | None
    channel_id: UUID | None
    number: int | None
    kind: str
    by: str
    name: str
    at: datetime
    is_new: bool


@dataclass(frozen=True)
class Bubble:
    """One message of the thread. `html` is safe: escaped text with citations as links. `line`: how it is quoted; empty: it cannot be."""

    id: UUID
    number: int
    side: str
    who: str
    author: str
    html: Markup
    media: Mapping[str, Any] | None
    file_name: str
    heard: parts.Heard | None
    mail: Mapping[str, Any]
    kind: str
    at: datetime
    status: str
    mark: tuple[str, str] | None
    waits: str
    failure: str
    can_retry: bool
    choices: Sequence[str]
    sources: Sequence[Mapping[str, Any]]
    has_trace: bool
    is_edited: bool
    is_deleted: bool
    earlier: Sequence[EarlierOut]
    read_at: datetime | None
    sighting: SightingOut | None
    people: Sequence[parts.Shared] = ()
    place: parts.Place | None = None
    quote: parts.Quoted | None = None
    reactions: Sequence[parts.Reacted] = ()
    line: str = ""


@dataclass(frozen=True)
class Thread:
    conversation: ConversationOut
    name: str
    contact: ContactOut | None
    icon: str
    channel: str
    assignee: str
    bubbles: Sequence[Bubble]
    first_unread: int | None
    at: int | None
    is_newest: bool
    window_closes_at: datetime | None
    window_open: bool
    unwilling: str
    reply_cost: str
    reply_cost_source: str
    takes: frozenset[MessageKind]
    quotes: bool
    held_by_me: bool
    me: UUID | None
    handoff_reason: str
    clock: Clock | None
    labels: Sequence[Chip]
    marks: Sequence[Mark]
    topic: str


def rows(uow: UnitOfWork, conversations: Sequence[ConversationOut], *, me: UUID | None) -> list[Row]:
    people = contacts.find_contacts(uow, {row.contact_id for row in conversations})
    names = identity.names_of(uow, {row.assignee_id for row in conversations if row.assignee_id})
    unsent = queries.find_unsent(uow, {row.id for row in conversations})
    colours = colours_of(uow)
    return [
        _row(
            row, person_name(people.get(row.contact_id)), _holder(row, names, me),
            labels=chips(row.labels, colours), is_unsent=row.id in unsent, clock=clock_of(row, uow.now),
        )
        for row in conversations
    ]  # fmt: skip


def colours_of(uow: UnitOfWork) -> dict[str, LabelColour]:
    return {label.name: label.colour for label in queries.list_labels(uow)}


def chips(labels: Iterable[str], colours: Mapping[str, LabelColour]) -> list[Chip]:
    return [Chip(name, colours.get(name, LabelColour.GREY)) for name in labels]


def found(uow: UnitOfWork, hits: Sequence[Found]) -> list[Hit]:
    people = contacts.find_contacts(uow, {hit.conversation.contact_id for hit in hits})
    return [
        Hit(
            id=hit.conversation.id,
            number=hit.message.number,
            name=person_name(people.get(hit.conversation.contact_id)),
            parts=hit.parts,
            at=hit.message.occurred_at,
            icon=ICONS[hit.conversation.medium],
            channel=str(CHANNELS[hit.conversation.medium]),
            is_note=hit.message.kind is MessageKind.NOTE,
            others=hit.others,
        )
        for hit in hits
    ]


def notices(uow: UnitOfWork, found: Sequence[Notice]) -> list[Told]:
    talks = {row.id: row for row in queries.list_by_id(uow, {one.conversation_id for one in found if one.conversation_id})}
    people = contacts.find_contacts(uow, {row.contact_id for row in talks.values()})
    numbers = queries.numbers_of(uow, {notice.message_id for notice in found if notice.message_id})
    names = identity.names_of(uow, {notice.by_id for notice in found if notice.by_id})
    places = {row.id: row.name for row in channels.list_channels(uow)} if any(notice.channel_id for notice in found) else {}
    about = {row.id: person_name(people.get(row.contact_id)) for row in talks.values()} | places
    return [
        Told(
            conversation_id=notice.conversation_id,
            channel_id=notice.channel_id,
            number=numbers.get(notice.message_id) if notice.message_id else None,
            kind=notice.kind.value,
            by=names.get(notice.by_id, "") if notice.by_id else "",
            name=next((about[one] for one in (notice.conversation_id, notice.channel_id) if one in about), ""),
            at=notice.created_at,
            is_new=notice.seen_at is None,
        )
        for notice in found
    ]


def _row(
    conversation: ConversationOut, name: str, held_by: tuple[str, str], *, labels: Sequence[Chip], is_unsent: bool, clock: Clock | None
) -> Row:
    holder, kind = held_by
    return Row(
        id=conversation.id,
        name=name,
        preview=str(WORDLESS.get(conversation.preview, conversation.preview)),
        at=conversation.last_message_at,
        unread=conversation.unread_count,
        icon=ICONS[conversation.medium],
        channel=str(CHANNELS[conversation.medium]),
        is_group=conversation.is_group,
        holder=holder,
        holder_kind=kind,
        waiting_since=conversation.waiting_since,
        status=conversation.status,
        snoozed_until=conversation.snoozed_until,
        labels=labels,
        marks=marks(conversation.signals),
        topic=topic_name(conversation.topic, conversation.signals),
        is_unsent=is_unsent,
        clock=clock,
        priority=priority_of(conversation),
    )


def _holder(conversation: ConversationOut, names: Mapping[UUID, str], me: UUID | None) -> tuple[str, str]:
    if conversation.handling is Handling.BOT:
        return gettext("AI"), "ai"
    if conversation.assignee_id is None:
        return gettext("Nobody yet"), "nobody"
    if conversation.assignee_id == me:
        return gettext("You"), "you"
    return names.get(conversation.assignee_id, gettext("A former colleague")), "colleague"


def bubbles(
    uow: UnitOfWork, messages: Iterable[MessageOut], *, contact_name: str, in_group: bool = False, cites: bool = True
) -> list[Bubble]:
    """`cites` False: as the contact gets them, without the marks that lead to sources."""
    found = list(messages)
    names = names_of(uow, found)
    seen = queries.find_sightings(uow, {row.id for row in found if row.direction is Direction.OUTBOUND})
    shown = [_bubble(row, author_of(row, names, contact_name), seen.get(row.id), in_group=in_group, cites=cites) for row in found]
    merges = told(uow, found)
    return _with_mentions(uow, [replace(bubble, html=merges[bubble.id]) if bubble.id in merges else bubble for bubble in shown])


def _with_mentions(uow: UnitOfWork, shown: list[Bubble]) -> list[Bubble]:
    if not any(bubble.side == "note" and "@" in bubble.html for bubble in shown):
        return shown
    team = [member.name for member in identity.list_members(uow, MembersQuery(limit=200)).items]
    return [replace(bubble, html=marked(bubble.html, team)) if bubble.side == "note" else bubble for bubble in shown]


def names_of(uow: UnitOfWork, messages: Sequence[MessageOut]) -> dict[UUID, str]:
    """Of the people and the agents that wrote them."""
    names = identity.names_of(uow, {row.sender_id for row in messages if row.sender is Sender.USER and row.sender_id})
    if any(row.sender is Sender.AGENT_AI for row in messages):
        names |= {agent.id: agent.name for agent in agents.list_agents(uow)}
    return names


def author_of(message: MessageOut, names: Mapping[UUID, str], contact_name: str) -> str:
    if message.sender is Sender.CONTACT:
        return contact_name
    if message.sender is Sender.AGENT_AI:
        return (names.get(message.sender_id) if message.sender_id else None) or gettext("AI agent")
    if message.sender is Sender.USER:
        return names.get(message.sender_id, gettext("A former colleague")) if message.sender_id else gettext("On the phone")
    return gettext("The box")


def _words(message: MessageOut, text: str, *, cites: bool) -> Markup:
    html = cited(text, len(message.sources or ()), f"s-{message.id}-", linked=cites)
    return marked(html, (str(one["name"]) for one in message.content.get("mentions", ())), wholly=True)


def _bubble(message: MessageOut, who: str, sighting: SightingOut | None, *, in_group: bool, cites: bool) -> Bubble:
    sources = [source.model_dump() for source in message.sources or ()]
    text = str(message.content.get("text") or message.content.get("caption") or "")
    media = message.content.get("media") if message.kind in {*parts.MEDIA_KINDS, MessageKind.TEMPLATE} else None
    return Bubble(
        id=message.id,
        number=message.number,
        side=parts.side_of(message),
        who=who,
        author=parts.member_of(message),
        html=_words(message, text, cites=cites) if text else parts.without_text(message, parts.member_of(message) or who),
        media=media,
        file_name=str(media.get("filename") or WORDLESS[f"[{parts.shown_as(message)}]"]) if media else "",
        heard=parts.heard_in(message),
        mail=message.content.get("mail") or {},
        kind=parts.shown_as(message).value,
        at=message.occurred_at if message.direction is Direction.INBOUND else message.created_at,
        status=message.status.value,
        mark=parts.mark_of(message, in_group=in_group),
        waits=parts.wait_of(message),
        failure=parts.failure_of(message),
        can_retry=message.status in {MessageStatus.FAILED, MessageStatus.UNCONFIRMED},
        choices=[str(one["title"]) for one in message.content.get("buttons") or message.content.get("list", {}).get("rows", ())],
        sources=sources,
        has_trace=message.sender is Sender.AGENT_AI,
        is_edited=message.edited_at is not None and message.deleted_at is None,
        is_deleted=message.deleted_at is not None,
        earlier=message.earlier or (),
        read_at=message.read_at,
        sighting=sighting,
        people=parts.people_in(message),
        place=parts.place_in(message),
    )


