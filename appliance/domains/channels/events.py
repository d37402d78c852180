from dataclasses import dataclass
from uuid import UUID

EDITED, DELETED = "edited", "deleted"


@dataclass(frozen=True)
class ChannelChanged:
    channel_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.channel_id)


@dataclass(frozen=True)
class WebhooksAccepted:
    """They are kept and not yet read. Without an ordering key: whoever reads begins with the oldest, whichever event woke them."""

    channel_id: UUID


@dataclass(frozen=True)
class MailPosted:
    """It is kept and not yet read. Those of one lane are read in the order they came."""

    channel_id: UUID
    mail_id: UUID
    lane: int

    @property
    def ordering_key(self) -> str:
        return f"{self.channel_id}:{self.lane}"


@dataclass(frozen=True)
class MediaAnnounced:
    """A contact sent a file that still lies with the provider."""

    channel_id: UUID
    message_id: UUID


@dataclass(frozen=True)
class LinkChanged:
    """The state of a number's link, its QR or its code is not what it was. `state` is empty where only something about it changed."""

    channel_id: UUID
    state: str = ""

    @property
    def ordering_key(self) -> str:
        return str(self.channel_id)


@dataclass(frozen=True)
class LinkedMessageMoved:
    """Said over a linked number, by either side, here or on the phone; with `status`: what became of a message of ours, or that its
    writer changed it (EDITED, DELETED).
    """

    channel_id: UUID
    conversation_id: UUID
    message_id: UUID
    status: str = ""

    @property
    def ordering_key(self) -> str:
        return str(self.conversation_id)


@dataclass(frozen=True)
class TemplateChanged:
    template_id: UUID


@dataclass(frozen=True)
class TemplateQueued:
    """Somebody asks the provider to approve it."""

    template_id: UUID


@dataclass(frozen=True)
class TemplatesFetched:
    """All that the provider has for this number are known."""

    channel_id: UUID
