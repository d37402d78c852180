from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity

# what can stand between braces in a text that is kept ready
VARIABLES = ("contact.first_name", "contact.name", "contact.company", "me.first_name", "me.name", "company")


MAX_TEXT = 4096  # the Cloud API's limit for a text body; the chat of a site takes as much
MAX_CAPTION = 1024  # what WhatsApp shows beneath a file
MAX_MAIL = 20_000  # characters of a mail, and of a note
DELETED = "[deleted]"  # in the list, in place of what its writer took back
MISSED_CALL = "[missed_call]"


class ConversationStatus(StrEnum):
    """PENDING: the contact's turn. SNOOZED: comes back by itself. Both are open again as soon as the contact writes.

    BLOCKED: stays so whatever the contact writes.
    """

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    BLOCKED = "blocked"


class DraftKind(StrEnum):
    REPLY = "reply"
    NOTE = "note"


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
    ARRIVED = "arrived"  # reads, and asks who else is there
    READING = "reading"
    TYPING = "typing"
    NOTING = "noting"  # writes what only the team gets to see
    LEFT = "left"


class NoticeKind(StrEnum):
    MENTIONED = "mentioned"
    ASSIGNED = "assigned"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    WAITING = "waiting"  # a customer, for a person
    STILL_WAITING = "still_waiting"
    WOKEN = "woken"  # it was put aside until now
    CHANNEL_DOWN = "channel_down"


class Priority(StrEnum):
    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class PromiseKind(StrEnum):
    """FIRST_REPLY: nobody has the conversation yet. NEXT_REPLY: somebody has it, and the customer wrote."""

    FIRST_REPLY = "first_reply"
    NEXT_REPLY = "next_reply"
    RESOLUTION = "resolution"


class PromiseEnd(StrEnum):
    """DROPPED: in time, but nobody had to keep it any more."""

    MET = "met"
    MISSED = "missed"
    DROPPED = "dropped"


class Deadline(StrEnum):
    AT_RISK = "at_risk"
    MISSED = "missed"


class Order(StrEnum):
    """DUE: what was promised soonest comes first, then what nothing was promised of."""

    NEWEST = "newest"
    DUE = "due"


class Holder(StrEnum):
    """Who has the word. WAITING: handed to people, none has taken it yet."""

    BOT = "bot"
    WAITING = "waiting"
    PERSON = "person"


class Topic(StrEnum):
    """What a contact's message is about; of a conversation, the last one that was about something."""

    GREETING = "greeting"
    FAREWELL = "farewell"
    PRICE = "price"
    AVAILABILITY = "availability"
    BUYING = "buying"
    PAYMENT = "payment"
    CREDIT = "credit"
    WHOLESALE = "wholesale"
    DELIVERY = "delivery"
    ORDER_STATUS = "order_status"
    RETURNS = "returns"
    WARRANTY = "warranty"
    SUPPORT = "support"
    SCHEDULING = "scheduling"
    HOURS_PLACE = "hours_place"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    WANTS_PERSON = "wants_person"
    PRIVACY = "privacy"
    EMERGENCY = "emergency"
    OPT_OUT = "opt_out"
    OFF_TOPIC = "off_topic"
    OTHER = "other"


class Signal(StrEnum):
    """What somebody of the team wants to see at once, however a conversation goes on."""

    URGENT = "urgent"
    COMPLAINT = "complaint"
    PURCHASE = "purchase"


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


CAPTIONED = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.DOCUMENT})  # text stands beneath the file


class Hearing(StrEnum):
    """How far the words of a recording are. FAILED: they will not come by themselves."""

    WAITING = "waiting"
    WRITTEN = "written"
    FAILED = "failed"


class MessageStatus(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"  # a voice note that was heard
    FAILED = "failed"
    CANCELLED = "cancelled"


STALE = timedelta(days=1)  # so long after, what is said answers nothing any more, and nothing is said by itself
WORTH_SAYING = timedelta(seconds=30)  # a queued message that leaves sooner shows no reason


class Wait(StrEnum):
    """Why a queued message has not left yet."""

    NOT_CONNECTED = "not_connected"
    DAILY_LIMIT = "daily_limit"
    PACE = "pace"
    CHANNEL_RESTS = "channel_rests"


@dataclass(frozen=True)
class Reading:
    """What somebody made of one message of a contact."""

    topic: Topic
    signals: frozenset[Signal] = frozenset()


@dataclass(frozen=True)
class Route:
    """How a conversation reaches its contact: decided by the channel, kept with the conversation.

    `medium`: what people consent to, WhatsApp and not the way we reach it.
    `window_hours`: free text is only allowed so long after the contact's last message; None for always.
    `is_group`: many people write there; each message's `content["author"]` says who.
    """

    channel_id: UUID
    channel_kind: str
    medium: Medium
    address: str
    agent_id: UUID | None = None
    window_hours: int | None = None
    is_group: bool = False


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
class Quoted:
    """The message that is answered. `author`: who wrote it in a group, as the transport calls them. `mentions`: who is named in its text
    by the name that we know them by, which is nobody else's to read.
    """

    provider_id: str
    text: str
    is_ours: bool
    author: str = ""
    mentions: Sequence[Mapping[str, str]] = ()


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
    quoted: Quoted | None
    attempt: int

    @property
    def reply_to_provider_id(self) -> str | None:
        return self.quoted.provider_id if self.quoted else None


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
class Revision:
    """A message was changed by who wrote it: `text` is what it says now; None: it was deleted. `author`: of a message in a group."""

    provider_id: str
    occurred_at: datetime
    by_contact: bool
    text: str | None = None
    author: str = ""
    mentions: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class AgentReply:
    """What an agent wants to say, and what it read before deciding."""

    text: str
    up_to_number: int
    sources: tuple[Mapping[str, Any], ...] = ()
    buttons: tuple[str, ...] = field(default=())
