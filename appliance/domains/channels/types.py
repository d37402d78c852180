from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

from babel.support import LazyProxy
from pydantic import ConfigDict, Field

from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import Incoming, MessageKind, Outgoing, Person, Revision, StatusReport

SIMULATOR = "simulator"
EMAIL = "email"
WHATSAPP_CLOUD = "whatsapp_cloud"
WEBCHAT = "webchat"
SAID_EMAIL = "webchat_email"  # what a visitor says is their address: an attribute, since an identity would make them its owner
WHATSAPP_QR = "whatsapp_qr"
STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)  # of what comes in with a request
RISK_VERSION = 1  # of the text that is signed before a number is linked; a changed text is signed again


class ChannelStatus(StrEnum):
    NEW = "new"
    CONNECTED = "connected"
    FAILING = "failing"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Kind:
    """What is true of all channels of a kind: what they can carry and what they are connected with."""

    name: str
    title: LazyProxy
    medium: Medium
    carries: frozenset[MessageKind] = frozenset({MessageKind.TEXT})
    window_hours: int | None = None  # free text only so long after the contact's last message; None for always
    max_text: int = 65_536
    max_text_of_choices: int = 65_536  # above buttons or a list
    max_caption: int = 65_536  # beneath a file
    max_button: int = 65_536  # the title of a button
    per_second: float | None = None
    external_id: str = ""  # pattern of the provider's name for our end; without one we make it up
    needs: frozenset[str] = frozenset()  # the secrets without which it is not connected
    makes: frozenset[str] = frozenset()  # those that the box makes itself, and nobody enters
    quotes: bool = False  # what is answered stands above an answer
    linked: bool = False  # a person links it by phone, and it speaks only while the link is open, at a person's pace


@dataclass(frozen=True)
class Sent:
    """The provider took the message. `delivered`: it knows at once that it arrived."""

    provider_id: str
    delivered: bool = False


@dataclass(frozen=True)
class Unconfirmed:
    """The provider may have it: only an echo or a person can tell. `provider_id`: what an echo will call it, where that is known."""

    provider_id: str = ""


class Transport(Protocol):
    """Carries one message out. What comes back later (echoes, statuses) arrives as events through the channel's own door.

    Raises Unavailable when trying again cannot bring it twice, because it did not leave or because the far end knows its client id;
    Refused when it never will.
    """

    def send(self, message: Outgoing) -> Sent | Unconfirmed: ...


@dataclass(frozen=True)
class Account:
    """A channel as its transport sees it; `config` as its gateway checked it, `secrets` in the clear: they live no longer than the call."""

    channel_id: UUID
    tenant_id: UUID
    kind: str
    external_id: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str]


@dataclass(frozen=True)
class Member:
    """Of a group: the digits of the phone and of the LID, where they are known, and what they are called there."""

    phone: str = ""
    lid: str = ""
    name: str = ""


@dataclass(frozen=True)
class Spoken:
    """One contact's messages that came together, in order."""

    person: Person
    address: str
    messages: tuple[Incoming, ...]


@dataclass(frozen=True)
class Revised:
    """`said`: in whose chat, and how it is stored where the message that was changed is not known; of a deletion `raw` is put aside."""

    revision: Revision
    raw: Mapping[str, Any]
    said: Spoken


@dataclass(frozen=True)
class Change:
    """One part of what came: what was said, what became of our messages, and what could not be used, with the reason.

    `echoes`: what was said to these people from the same number, by somebody who did not use this box.
    `templates`: what the provider decided about templates. `charges`: what it charges for messages of ours.
    """

    spoken: tuple[Spoken, ...] = ()
    reports: tuple[StatusReport, ...] = ()
    rejected: tuple[tuple[str, object], ...] = ()
    echoes: tuple[Spoken, ...] = ()
    templates: tuple["TemplateReport", ...] = ()
    revisions: tuple[Revised, ...] = ()
    charges: tuple["ToldCharge", ...] = ()


class Quality(StrEnum):
    """How well a number's messages are received, as the provider rates it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNRATED = "unrated"


@dataclass(frozen=True)
class Checkup:
    """What the provider says of a channel's number. `webhook`: where it delivers to, empty for nowhere.

    `messaging_limit`: how many people can be written to first within 24 hours; None where nothing is said of it.
    """

    phone: str
    name: str
    quality: Quality
    webhook: str
    messaging_limit: int | Literal["unlimited"] | None = None


class LinkState(StrEnum):
    """How the link of a number to its phone stands."""

    NEW = "new"
    CONNECTING = "connecting"
    QR = "qr"
    PAIRING = "pairing"
    OPEN = "open"
    CLOSED = "closed"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"


class MailKeyState(StrEnum):
    """NEW: nothing is signed with it. OLD: another took its place; mails on their way are still looked up by it."""

    NEW = "new"
    SIGNING = "signing"
    OLD = "old"


class Ending(StrEnum):
    """Why nobody tries to open a link any more, until a person does something."""

    EXPIRED = "expired"  # nobody scanned
    UNLINKED = "unlinked"
    UNTOLD = "untold"  # here; the phone could not be told
    LOGGED_OUT = "logged_out"
    BANNED = "banned"
    OUTDATED = "outdated"
    REPLACED = "replaced"
    BUSINESS = "business"
    NO_LIBRARY = "no_library"
    SEALED = "sealed"  # the box may not call WhatsApp
    UNWRITTEN = "unwritten"  # the database refused what came
    FULL = "full"  # the box keeps as many links as it may


@dataclass(frozen=True)
class Visit:
    """Somebody on a web page who writes to a channel. `is_open`: the channel is switched on, and its organisation is not suspended."""

    tenant_id: UUID
    channel_id: UUID
    visitor: str
    is_open: bool


class Factor(StrEnum):
    """What makes a linked number risky."""

    AGE = "age"
    VOLUME = "volume"
    REPLIES = "replies"
    REFUSALS = "refusals"
    RECONNECTS = "reconnects"


class TemplateKind(StrEnum):
    """Where a template is used. PIECE: part of others, such as the foot of every mail."""

    WHATSAPP = "whatsapp"
    EMAIL = "email"
    CHAT = "chat"
    PIECE = "piece"


class TemplateCategory(StrEnum):
    MARKETING = "marketing"
    UTILITY = "utility"
    AUTHENTICATION = "authentication"


class TemplateStatus(StrEnum):
    """READY: needs nobody's approval. QUEUED: on its way to the provider. GONE: the provider no longer has it."""

    READY = "ready"
    DRAFT = "draft"
    QUEUED = "queued"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    GONE = "gone"


SENDABLE = frozenset({TemplateStatus.READY, TemplateStatus.APPROVED})
WRITABLE = frozenset({TemplateStatus.READY, TemplateStatus.DRAFT, TemplateStatus.REJECTED})  # its words are still ours


class ButtonKind(StrEnum):
    """COPY: copies a voucher. CODE: copies the code of a template for signing in. OTHER: one that only the provider's own tools can
    make; a template with such a button is shown, not sent.
    """

    REPLY = "reply"
    URL = "url"
    PHONE = "phone"
    COPY = "copy"
    CODE = "code"
    OTHER = "other"


@dataclass(frozen=True)
class Button:
    """`url` may end in one place of its own, {{1}}; `example` is then what stands there, or the voucher that is copied."""

    __pydantic_config__ = STRICT
    kind: ButtonKind = ButtonKind.REPLY
    text: Annotated[str, Field(max_length=60)] = ""
    url: Annotated[str, Field(max_length=2000)] = ""
    phone: Annotated[str, Field(max_length=30)] = ""
    example: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True)
class Variable:
    """What stands in one place. `source`: the field of the contact (or of who writes) that fills it; empty: somebody types it."""

    __pydantic_config__ = STRICT
    name: Annotated[str, Field(min_length=1, max_length=60)]
    source: Annotated[str, Field(max_length=40)] = ""
    example: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True)
class Sample:
    """A template's own file, kept sealed: what the provider's reviewers look at, and what goes out when nobody chooses another."""

    blob_id: UUID
    mime_type: str
    filename: str
    size: int


@dataclass(frozen=True)
class Parts:
    """What a template says. `header` is the subject of a mail; `media`: what a header is that is no text (rules.headers).

    `advice`, `minutes`: of a template that carries a code, whether it says not to share it, and how long it holds (0: not said).
    """

    __pydantic_config__ = STRICT
    header: Annotated[str, Field(max_length=500)] = ""
    media: Annotated[str, Field(max_length=20)] = ""
    body: Annotated[str, Field(max_length=20_000)] = ""
    footer: Annotated[str, Field(max_length=500)] = ""
    buttons: Annotated[tuple[Button, ...], Field(max_length=10)] = ()
    variables: Annotated[tuple[Variable, ...], Field(max_length=40)] = ()
    advice: bool = False
    minutes: int = 0


@dataclass(frozen=True)
class TemplateReport:
    """The provider's word about one template. What it does not speak of is None."""

    provider_id: str
    occurred_at: datetime
    status: TemplateStatus | None = None
    reason: str = ""
    quality: Quality | None = None
    category: TemplateCategory | None = None


@dataclass(frozen=True)
class ProviderTemplate:
    """A template as the provider has it or is to have it. `provider_id` is empty for one it does not know yet."""

    provider_id: str
    name: str
    language: str
    category: TemplateCategory
    parts: Parts
    status: TemplateStatus = TemplateStatus.DRAFT
    reason: str = ""
    quality: Quality = Quality.UNRATED
    sample: Sample | None = None


class Charge(StrEnum):
    """What a price is for: the category of a template, the same while the window is open, or what is said freely in the window."""

    MARKETING = "marketing"
    UTILITY = "utility"
    UTILITY_IN_WINDOW = "utility_in_window"
    AUTHENTICATION = "authentication"
    SERVICE = "service"


@dataclass(frozen=True)
class ToldCharge:
    """What the provider says that a message of ours is, and whether it charges for it."""

    provider_id: str
    charge: Charge
    is_billable: bool
    occurred_at: datetime


@dataclass(frozen=True)
class Price:
    """What one message to a country costs from a day on. `micros`: millionths of the currency; None when it costs something nobody
    told us.
    """

    country: str
    charge: Charge
    valid_from: date
    currency: str
    micros: int | None
    source: str = ""


@dataclass(frozen=True)
class Cost:
    """What one message would cost. `price` None: no line tells."""

    charge: Charge
    country: str
    price: Price | None

    @property
    def currency(self) -> str:
        return self.price.currency if self.price else ""

    @property
    def amount(self) -> float | None:
        return None if self.price is None or self.price.micros is None else self.price.micros / 1_000_000

    @property
    def valid_from(self) -> date | None:
        return self.price.valid_from if self.price else None

    @property
    def source(self) -> str:
        return self.price.source if self.price else ""
