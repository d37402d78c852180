from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class ChannelChanged:
    channel_id: UUID


@dataclass(frozen=True)
class WebhooksAccepted:
    """They are kept and not yet read. Without an ordering key: whoever reads begins with the oldest, whichever event woke them."""

    channel_id: UUID


@dataclass(frozen=True)
class MediaAnnounced:
    """A contact sent a file that still lies with the provider."""

    channel_id: UUID
    message_id: UUID


@dataclass(frozen=True)
class LinkChanged:
    """The state of a number's link, its QR or its code is not what it was."""

    channel_id: UUID
