from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from babel.support import LazyProxy

from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import Incoming, MessageKind, Outgoing, Person, StatusReport

SIMULATOR = "simulator"
EMAIL = "email"
WHATSAPP_CLOUD = "whatsapp_cloud"
WEBCHAT = "webchat"
SAID_EMAIL = "webchat_email"  # what a visitor says is their address: an attribute, since an identity would make them its owner
WHATSAPP_QR = "whatsapp_qr"
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
    per_second: float | None = None
    external_id: str = ""  # pattern of the provider's name for our end; without one we make it up
    needs: frozenset[str] = frozenset()  # the secrets without which it is not connected
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
class Spoken:
    """One contact's messages that came together, in order."""

    person: Person
    address: str
    messages: tuple[Incoming, ...]


@dataclass(frozen=True)
class Change:
    """One part of what came: what was said, what became of our messages, and what could not be used, with the reason.

    `echoes`: what was said to these people from the same number, by somebody who did not use this box.
    """

    spoken: tuple[Spoken, ...] = ()
    reports: tuple[StatusReport, ...] = ()
    rejected: tuple[tuple[str, object], ...] = ()
    echoes: tuple[Spoken, ...] = ()


class Quality(StrEnum):
    """How well a number's messages are received, as the provider rates it."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNRATED = "unrated"


@dataclass(frozen=True)
class Checkup:
    """What the provider says of a channel's number. `webhook`: where it delivers to, empty for nowhere."""

    phone: str
    name: str
    quality: Quality
    webhook: str


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


class Ending(StrEnum):
    """Why nobody tries to open a link any more, until a person does something."""

    EXPIRED = "expired"  # nobody scanned
    UNLINKED = "unlinked"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"
    OUTDATED = "outdated"
    REPLACED = "replaced"
    BUSINESS = "business"
    GAVE_UP = "gave_up"
    NO_LIBRARY = "no_library"
    SEALED = "sealed"  # the box may not call WhatsApp
    UNWRITTEN = "unwritten"  # the database refused what came


@dataclass(frozen=True)
class Visit:
    """Somebody on a web page who writes to a channel. `is_open`: the channel is switched on."""

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
