"""What the inbox shows of a conversation and of a message, as plain values for the templates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries as agents
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactOut
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import Found, Notice
from appliance.domains.conversations.schemas import ConversationOut, MessageOut
from appliance.domains.conversations.types import ConversationStatus, Direction, Handling, LabelColour, MessageKind, MessageStatus, Sender
from appliance.domains.identity import queries as identity
from webui.citations import cited
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
MEDIA_KINDS = frozenset({MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT, MessageKind.STICKER})
STATUS_MARKS = {
    MessageStatus.QUEUED: ("clock", _("Waiting to be sent")),
    MessageStatus.SENDING: ("clock", _("Being sent")),
    MessageStatus.SENT: ("check", _("Sent")),
    MessageStatus.DELIVERED: ("checks", _("Delivered")),
    MessageStatus.READ: ("checks", _("Read")),
}
FAILURES = {
    MessageStatus.FAILED: _("Not sent."),
    MessageStatus.UNCONFIRMED: _("Nobody confirmed that this arrived."),
    MessageStatus.CANCELLED: _("Withdrawn before it was sent."),
}
HANDOFF_REASONS = {**REASONS, "snooze_over": _("the time it was put aside for is over")}
EVENTS = {"snooze_over": _("Back: the time it was put aside for is over")}
WORDLESS = {
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
    holder: str
    holder_kind: str
    waiting_since: datetime | None
    status: ConversationStatus
    snoozed_until: datetime | None
    labels: Sequence[Chip]
    is_unsent: bool


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
    """Something that one person should look at; `number` of the message, where it is one."""

    conversation_id: UUID
    number: int | None
    kind: str
    by: str
    name: str
    at: datetime
    is_new: bool


@dataclass(frozen=True)
class Bubble:
    """One message of the thread. `html` is safe: escaped text with citations as links."""

    id: UUID
    number: int
    side: str
    who: str
    html: Markup
    media: Mapping[str, Any] | None
    mail: Mapping[str, Any]
    kind: str
    at: datetime
    status: str
    mark: tuple[str, str] | None
    failure: str
    can_retry: bool
    choices: Sequence[str]
    sources: Sequence[Mapping[str, Any]]
    has_trace: bool


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
    takes: frozenset[MessageKind]
    held_by_me: bool
    me: UUID | None
    handoff_reason: str
    labels: Sequence[Chip]


def rows(uow: UnitOfWork, conversations: Sequence[ConversationOut], *, me: UUID | None) -> list[Row]:
    people = contacts.find_contacts(uow, {row.contact_id for row in conversations})
    names = identity.names_of(uow, {row.assignee_id for row in conversations if row.assignee_id})
    unsent = queries.find_unsent(uow, {row.id for row in conversations})
    colours = colours_of(uow)
    return [
        _row(
            row, person_name(people.get(row.contact_id)), _holder(row, names, me),
            labels=chips(row.labels, colours), is_unsent=row.id in unsent,
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
    talks = {row.id: row for row in queries.list_by_id(uow, {notice.conversation_id for notice in found})}
    people = contacts.find_contacts(uow, {row.contact_id for row in talks.values()})
    numbers = queries.numbers_of(uow, {notice.message_id for notice in found if notice.message_id})
    names = identity.names_of(uow, {notice.by_id for notice in found if notice.by_id})
    return [
        Told(
            conversation_id=notice.conversation_id,
            number=numbers.get(notice.message_id) if notice.message_id else None,
            kind=notice.kind.value,
            by=names.get(notice.by_id, "") if notice.by_id else "",
            name=person_name(people.get(talks[notice.conversation_id].contact_id)),
            at=notice.created_at,
            is_new=notice.seen_at is None,
        )
        for notice in found
    ]


def _row(conversation: ConversationOut, name: str, held_by: tuple[str, str], *, labels: Sequence[Chip], is_unsent: bool) -> Row:
    holder, kind = held_by
    return Row(
        id=conversation.id,
        name=name,
        preview=str(WORDLESS.get(conversation.preview, conversation.preview)),
        at=conversation.last_message_at,
        unread=conversation.unread_count,
        icon=ICONS[conversation.medium],
        channel=str(CHANNELS[conversation.medium]),
        holder=holder,
        holder_kind=kind,
        waiting_since=conversation.waiting_since,
        status=conversation.status,
        snoozed_until=conversation.snoozed_until,
        labels=labels,
        is_unsent=is_unsent,
    )


def _holder(conversation: ConversationOut, names: Mapping[UUID, str], me: UUID | None) -> tuple[str, str]:
    if conversation.handling is Handling.BOT:
        return gettext("AI"), "ai"
    if conversation.assignee_id is None:
        return gettext("Nobody yet"), "nobody"
    if conversation.assignee_id == me:
        return gettext("You"), "you"
    return names.get(conversation.assignee_id, gettext("A former colleague")), "colleague"


def person_name(contact: Any) -> str:
    if contact is None:
        return gettext("Removed contact")
    known = contact.name or contact.phone_e164 or contact.phone_raw or contact.email
    return str(known or gettext("Unnamed contact %(tail)s", tail=contact.id.hex[-4:].upper()))


def bubbles(uow: UnitOfWork, messages: Iterable[MessageOut], *, contact_name: str, cites: bool = True) -> list[Bubble]:
    """`cites` False: as the contact gets them, without the marks that lead to sources."""
    found = list(messages)
    names = names_of(uow, found)
    return [_bubble(message, author_of(message, names, contact_name), cites=cites) for message in found]


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


def _bubble(message: MessageOut, who: str, *, cites: bool) -> Bubble:
    sources = [source.model_dump() for source in message.sources or ()]
    text = str(message.content.get("text") or message.content.get("caption") or message.content.get("transcript") or "")
    return Bubble(
        id=message.id,
        number=message.number,
        side=_side(message),
        who=who,
        html=cited(text, len(sources), f"s-{message.id}-", linked=cites) if text else _without_text(message),
        media=message.content.get("media") if message.kind in MEDIA_KINDS else None,
        mail=message.content.get("mail") or {},
        kind=message.kind.value,
        at=message.occurred_at if message.direction is Direction.INBOUND else message.created_at,
        status=message.status.value,
        mark=_mark(message),
        failure=_failure(message),
        can_retry=message.status in {MessageStatus.FAILED, MessageStatus.UNCONFIRMED},
        choices=[str(one["title"]) for one in message.content.get("buttons") or message.content.get("list", {}).get("rows", ())],
        sources=sources,
        has_trace=message.sender is Sender.AGENT_AI,
    )


def _side(message: MessageOut) -> str:
    if message.kind is MessageKind.NOTE:
        return "note"
    if message.direction is Direction.INTERNAL:
        return "event"
    if message.direction is Direction.INBOUND:
        return "in"
    return "out ai" if message.sender is Sender.AGENT_AI else "out"


def _without_text(message: MessageOut) -> Markup:
    if message.content.get("event") in EVENTS:
        return escape(str(EVENTS[message.content["event"]]))
    chosen = message.content.get("choice")
    if isinstance(chosen, Mapping):
        return escape(str(chosen.get("title", "")))
    place = message.content.get("location")
    if isinstance(place, Mapping):
        return escape(f"{place.get('name') or ''} {place.get('latitude')}, {place.get('longitude')}".strip())
    template = message.content.get("template")
    if isinstance(template, Mapping):
        return escape(" · ".join([gettext("Template %(name)s", name=str(template.get("name", ""))), *_values_of(template)]))
    return Markup("") if message.kind in MEDIA_KINDS else escape(gettext("A kind of message this box cannot show yet."))


def _values_of(template: Mapping[str, Any]) -> list[str]:
    parameters = [one for component in template.get("components", ()) for one in component.get("parameters", ())]
    return [str(one["text"]) for one in parameters if "text" in one]


def _mark(message: MessageOut) -> tuple[str, str] | None:
    if message.direction is not Direction.OUTBOUND:
        return None
    found = STATUS_MARKS.get(message.status)
    return (found[0], str(found[1])) if found else None


def _failure(message: MessageOut) -> str:
    said = FAILURES.get(message.status)
    return " ".join(part for part in (str(said), message.error or "") if part) if said else ""
