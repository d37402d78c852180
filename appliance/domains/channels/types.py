from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from appliance.domains.conversations.types import Incoming, Outgoing, Person, StatusReport


class ChannelKind(StrEnum):
    SIMULATOR = "simulator"
    WHATSAPP_CLOUD = "whatsapp_cloud"


class ChannelStatus(StrEnum):
    NEW = "new"
    CONNECTED = "connected"
    FAILING = "failing"
    DISABLED = "disabled"


WINDOW_HOURS: Mapping[ChannelKind, int | None] = {ChannelKind.SIMULATOR: None, ChannelKind.WHATSAPP_CLOUD: 24}


@dataclass(frozen=True)
class Sent:
    """The provider took the message. `delivered`: it knows at once that it arrived."""

    provider_id: str
    delivered: bool = False


@dataclass(frozen=True)
class Unconfirmed:
    """The provider may have it: only an echo or a person can tell."""


class Transport(Protocol):
    """Carries one message out. What comes back later (echoes, statuses) arrives as events through the channel's own door.

    Raises Unavailable when the message surely did not leave and may be tried again, Refused when it never will.
    """

    def send(self, message: Outgoing) -> Sent | Unconfirmed: ...


@dataclass(frozen=True)
class Account:
    """A channel as its transport sees it; `secrets` are in the clear and live no longer than the call."""

    channel_id: UUID
    tenant_id: UUID
    kind: str
    external_id: str
    secrets: Mapping[str, str]


@dataclass(frozen=True)
class Doorway:
    """What the webhook must know of a channel before it may open its tenant's unit of work."""

    channel_id: UUID
    tenant_id: UUID
    external_id: str
    app_secret: str
    agent_id: UUID | None


@dataclass(frozen=True)
class Admission:
    """A webhook whose signature is good: what of it is to be kept for whom, and why some of it is of no use.

    `aside` is what the signer may see of it then.
    """

    signer: Doorway
    parts: tuple[tuple[Doorway, str], ...] = ()
    reasons: tuple[str, ...] = ()
    aside: str = ""
    readable: bool = True


@dataclass(frozen=True)
class Spoken:
    """One contact's messages out of one webhook, in order."""

    person: Person
    address: str
    messages: tuple[Incoming, ...]


@dataclass(frozen=True)
class Change:
    """One part of a webhook: what was said and what became of our messages, at one of our numbers."""

    external_id: str
    spoken: tuple[Spoken, ...] = ()
    reports: tuple[StatusReport, ...] = ()
    rejected: tuple[tuple[str, object], ...] = field(default=())


Opener = Callable[[Account], Transport]


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
