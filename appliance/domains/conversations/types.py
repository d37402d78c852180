from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity

# what can stand between braces in a text that is kept ready
VARIABLES = ("contact.first_name", "contact.name", "contact.company", "me.first_name", "me.name", "company")


class ConversationStatus(StrEnum):
    """PENDING: the contact's turn. SNOOZED: comes back by itself. Both are open again as soon as the contact writes."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Handling(StrEnum):
    BOT = "bot"
    HUMAN = "human"


class LabelColour(StrEnum):
    GREY = "grey"
    TEAL = "teal"
    ORANGE = "orange"
    BLUE = "blue"
    PINK = "pink"
    OLIVE = "olive"


class Presence(StrEnum):
    READING = "reading"
    TYPING = "typing"
    LEFT = "left"


class NoticeKind(StrEnum):
    MENTIONED = "mentioned"
    ASSIGNED = "assigned"


class Holder(StrEnum):
    """Who has the word. WAITING: handed to people, none has taken it yet."""

    BOT = "bot"
    WAITING = "waiting"
    PERSON = "person"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Sender(StrEnum):
    CONTACT = "contact"
    AGENT_AI = "agent_ai"
    USER = "user"
    SYSTEM = "system"


class MessageKind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT = "contact"
    TEMPLATE = "template"
    BUTTONS = "buttons"
    LIST = "list"
    REACTION = "reaction"
    NOTE = "note"
    UNSUPPORTED = "unsupported"


class MessageStatus(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Route:
    """How a conversation reaches its contact: decided by the channel, kept with the conversation.

    `medium`: what people consent to, WhatsApp and not the way we reach it.
    `window_hours`: free text is only allowed so long after the contact's last message; None for always.
    """

    channel_id: UUID
    channel_kind: str
    medium: Medium
    address: str
    agent_id: UUID | None = None
    window_hours: int | None = None


@dataclass(frozen=True)
class Incoming:
    """One message as a transport translated it. `content` has the shape of schemas.Content."""

    provider_id: str
    kind: MessageKind
    content: Mapping[str, Any]
    occurred_at: datetime
    reply_to_provider_id: str | None = None


@dataclass(frozen=True)
class Person:
    """Who wrote, as the transport knows them: most trustworthy id first; the transport vouches that they are one person's."""

    identities: tuple[Identity, ...]
    name: str = ""


@dataclass(frozen=True)
class Arrival:
    """What one person wrote, one message after the other."""

    route: Route
    person: Person
    messages: tuple[Incoming, ...]


@dataclass(frozen=True)
class Outgoing:
    """What a transport needs to send one message. `client_id` never changes between attempts."""

    message_id: UUID
    conversation_id: UUID
    channel_id: UUID
    client_id: str
    to: str
    kind: MessageKind
    content: Mapping[str, Any]
    reply_to_provider_id: str | None
    attempt: int


@dataclass(frozen=True)
class StatusReport:
    """What the outside says about a message of ours. Either id may be missing, never both."""

    status: MessageStatus
    occurred_at: datetime
    provider_id: str | None = None
    client_id: str | None = None
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True)
class AgentReply:
    """What an agent wants to say, and what it read before deciding."""

    text: str
    up_to_number: int
    sources: tuple[Mapping[str, Any], ...] = ()
    buttons: tuple[str, ...] = field(default=())
